package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/services/console/internal/dashboard"
	"github.com/postern-id/postern/services/console/internal/pages"
)

// askAgain is how often a progress page renews itself, in seconds.
const askAgain = 1

func (h handler) signupForm(c *gin.Context) error {
	return h.showSignup(c, "", dashboard.Application{})
}

func (h handler) showSignup(c *gin.Context, notice string, a dashboard.Application) error {
	regions, err := h.Accounts.ListRegions(c.Request.Context())
	if err != nil {
		return err
	}
	a.Password = ""
	h.render(c, pages.SignupForm(pages.View{Title: "Create an account", Notice: notice}, a, regions, h.BaseDomain))
	return nil
}

func (h handler) signup(c *gin.Context) error {
	a := dashboard.Application{
		Email: strings.TrimSpace(c.PostForm("email")), Password: c.PostForm("password"),
		Account: strings.TrimSpace(c.PostForm("account")), Region: c.PostForm("region"),
	}
	id, token, err := h.Accounts.SignUp(c.Request.Context(), a)
	if sentence, correctable := mistake(c, err); correctable {
		return h.showSignup(c, sentence, a)
	}
	if err != nil {
		return err
	}
	keep(c, token, time.Time{})
	c.Redirect(http.StatusSeeOther, "/signups/"+id)
	return nil
}

func (h handler) signupProgress(c *gin.Context) error {
	if key(c) == "" {
		c.Redirect(http.StatusSeeOther, "/login")
		return nil
	}
	s, err := h.Accounts.FindSignup(c.Request.Context(), key(c), c.Param("id"))
	if err != nil {
		return err
	}
	v := pages.View{Title: "Making your tenant"}
	if v.Member, err = h.member(c); err != nil {
		// The secret of a ready answer is shown once: a control plane that is away for a header must not cost it.
		v.Member = nil
	}
	switch s.Status {
	case "ready":
		v.Title = "Ready"
	case "failed":
		v.Title = "Failed"
	default:
		v.Refresh = askAgain
	}
	h.render(c, pages.SignupProgress(v, s))
	return nil
}

func (h handler) loginForm(c *gin.Context) error {
	h.render(c, pages.LoginForm(pages.View{Title: "Sign in"}, "", ""))
	return nil
}

func (h handler) login(c *gin.Context) error {
	in := dashboard.SignIn{
		Email: strings.TrimSpace(c.PostForm("email")), Password: c.PostForm("password"), Account: strings.TrimSpace(c.PostForm("account")),
	}
	token, expires, err := h.Accounts.SignIn(c.Request.Context(), in)
	if sentence, correctable := mistake(c, err); correctable {
		h.render(c, pages.LoginForm(pages.View{Title: "Sign in", Notice: sentence}, in.Email, in.Account))
		return nil
	}
	if err != nil {
		return err
	}
	keep(c, token, expires)
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

func (h handler) logout(c *gin.Context) error {
	if token := key(c); token != "" {
		if err := h.Accounts.SignOut(c.Request.Context(), token); err != nil {
			return err
		}
	}
	drop(c)
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

// mistake reports a refusal that the form can be shown again with, and sets the answer's status to it.
func mistake(c *gin.Context, err error) (sentence string, correctable bool) {
	if err == nil {
		return "", false
	}
	f := fault.Of(err)
	switch f.Kind {
	case fault.KindInvalid, fault.KindConflict, fault.KindUnauthenticated, fault.KindTooMany:
		httpkit.EventOf(c.Request.Context()).Code = f.Code
		c.Status(httpkit.Status(f.Kind))
		return f.Message, true
	case fault.KindInternal, fault.KindDenied, fault.KindNotFound, fault.KindUnavailable:
	}
	return "", false
}
