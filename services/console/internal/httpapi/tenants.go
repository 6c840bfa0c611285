package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/console/internal/dashboard"
	"github.com/postern-id/postern/services/console/internal/pages"
)

func (h handler) home(c *gin.Context) error {
	member, err := h.member(c)
	if err != nil {
		return err
	}
	if member == nil {
		h.render(c, pages.Landing(pages.View{Title: "Identity cloud"}, h.BaseDomain))
		return nil
	}
	return h.showTenants(c, member, "")
}

func (h handler) showTenants(c *gin.Context, member *dashboard.Member, notice string) error {
	ctx := c.Request.Context()
	tenants, err := h.Accounts.ListTenants(ctx, key(c))
	if err != nil {
		return err
	}
	regions, err := h.Accounts.ListRegions(ctx)
	if err != nil {
		return err
	}
	v := pages.View{Title: "Tenants", Member: member, Notice: notice}
	taken := map[string]bool{}
	for _, t := range tenants {
		taken[t.Region] = true
		if t.State == "provisioning" {
			v.Refresh = askAgain
		}
	}
	var free []dashboard.Region
	for _, r := range regions {
		if !taken[r.Name] {
			free = append(free, r)
		}
	}
	h.render(c, pages.Tenants(v, tenants, free))
	return nil
}

func (h handler) createTenant(c *gin.Context) error {
	member, err := h.member(c)
	if err != nil {
		return err
	}
	if member == nil {
		c.Redirect(http.StatusSeeOther, "/login")
		return nil
	}
	_, err = h.Accounts.CreateTenant(c.Request.Context(), key(c), c.PostForm("region"))
	if fault.Is(err, fault.KindUnauthenticated) { // the key ended between the two calls
		drop(c)
		c.Redirect(http.StatusSeeOther, "/login")
		return nil
	}
	if sentence, correctable := mistake(c, err); correctable {
		return h.showTenants(c, member, sentence)
	}
	if err != nil {
		return err
	}
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}
