package httpapi

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// The documents by which phones let an app answer for this host (Digital Asset Links; Apple's associated domains).
type (
	assetLink struct {
		Relation []string    `json:"relation"`
		Target   assetTarget `json:"target"`
	}
	assetTarget struct {
		Namespace    string   `json:"namespace"`
		Package      string   `json:"package_name"`
		Fingerprints []string `json:"sha256_cert_fingerprints"`
	}
	association struct {
		AppLinks       appLinks       `json:"applinks"`
		WebCredentials webCredentials `json:"webcredentials"`
	}
	appLinks struct {
		Apps    []string    `json:"apps"` // empty, as Apple wants it
		Details []appDetail `json:"details"`
	}
	appDetail struct {
		AppID string   `json:"appID"`
		Paths []string `json:"paths"`
	}
	webCredentials struct {
		Apps []string `json:"apps"`
	}
)

func (h *Handler) assetLinks(c *gin.Context, t tenancy.Tenant) error {
	apps, err := h.Apps.ListMobileApps(c.Request.Context(), t.ID)
	if err != nil {
		return err
	}
	links := []assetLink{}
	for _, app := range apps {
		if app.Package != "" && len(app.Fingerprints) > 0 {
			links = append(links, assetLink{
				Relation: []string{"delegate_permission/common.handle_all_urls", "delegate_permission/common.get_login_creds"},
				Target:   assetTarget{Namespace: "android_app", Package: app.Package, Fingerprints: app.Fingerprints},
			})
		}
	}
	keep(c, "public, max-age=15")
	return httpkit.JSON(c, http.StatusOK, links)
}

// appleAssociation opens to an iOS app what is below its own bundle's path, as the wire's SDKs use it.
func (h *Handler) appleAssociation(c *gin.Context, t tenancy.Tenant) error {
	apps, err := h.Apps.ListMobileApps(c.Request.Context(), t.ID)
	if err != nil {
		return err
	}
	doc := association{AppLinks: appLinks{Apps: []string{}, Details: []appDetail{}}, WebCredentials: webCredentials{Apps: []string{}}}
	for _, app := range apps {
		if app.Team == "" || app.Bundle == "" {
			continue
		}
		id := app.Team + "." + app.Bundle
		doc.AppLinks.Details = append(doc.AppLinks.Details, appDetail{AppID: id, Paths: []string{"/ios/" + app.Bundle + "/*"}})
		doc.WebCredentials.Apps = append(doc.WebCredentials.Apps, id)
	}
	keep(c, "public, max-age=15")
	return httpkit.JSON(c, http.StatusOK, doc)
}
