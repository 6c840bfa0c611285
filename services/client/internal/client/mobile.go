package client

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// maxMobile is more apps than a tenant has.
const maxMobile = 1000

// MobileApp is what phones know an app by: Android its package and certificates, iOS its team and bundle.
type MobileApp struct {
	Package      string
	Fingerprints []string
	Team, Bundle string
}

// ListMobileApps gives the apps of the tenant's clients, those of the oldest client first.
func (s *Service) ListMobileApps(ctx context.Context, tenant tenancy.ID) ([]MobileApp, error) {
	list, err := s.store.ListMobileClients(ctx, tenant, maxMobile)
	if err != nil {
		return nil, err
	}
	var apps []MobileApp
	for _, c := range list {
		mobile := c.Settings.Group("mobile")
		android, ios := mobile.Group("android"), mobile.Group("ios")
		apps = append(apps, MobileApp{
			Package: android.Text("app_package_name"), Fingerprints: android.Texts("sha256_cert_fingerprints"),
			Team: ios.Text("team_id"), Bundle: ios.Text("app_bundle_identifier"),
		})
	}
	return apps, nil
}
