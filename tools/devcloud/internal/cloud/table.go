package cloud

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// tenantURLs reads where the owner's tenant answers out of what the Platform API gave.
func tenantURLs(owner *Owner) []string {
	var tenant struct{ Issuer string }
	if len(owner.Tenant) == 0 || json.Unmarshal(owner.Tenant, &tenant) != nil || tenant.Issuer == "" {
		return []string{}
	}
	return []string{strings.TrimSuffix(tenant.Issuer, "/")}
}

// table prints where everything is, and "ready" on a line of its own, which tools wait for.
func (c *Cloud) table() {
	c.mu.Lock()
	f := c.devFile
	c.mu.Unlock()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 3, ' ', 0)
	row := func(name, value string) { _, _ = fmt.Fprintf(w, "  %s\t%s\n", name, value) } // a strings.Builder takes everything
	row("console", f.URLs.Console)
	row("platform API", f.URLs.PlatformAPI)
	row("mail", f.URLs.Mail)
	for _, url := range f.URLs.Tenants {
		row("tenant", url)
	}
	row("health", f.URLs.Private+"/readyz")
	if f.Owner != nil {
		row("first owner", f.Owner.Email+" (password in dev.json)")
	}
	row("authority", f.CAFile)
	row("all of it", c.folder.Path("dev.json"))
	_ = w.Flush() // as above
	c.progress.say("\n%s\nready", text.String())
	c.progress.say("  (after %.1f s; Ctrl-C stops everything)", time.Since(c.began).Seconds())
}
