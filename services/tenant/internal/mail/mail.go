// Package mail writes to account owners over SMTP.
package mail

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

const timeout = 5 * time.Second

// Postman implements tenant.Postman.
type Postman struct {
	client *mail.Client
	from   string
	manage string // URL of the console
}

// New makes a postman for the relay at addr ("host:port"); empty means that no mail is sent. The relay is a neighbour: TLS is used
// where it offers it. base is the platform's base domain.
func New(addr, base, manage string) (*Postman, error) {
	p := &Postman{from: "no-reply@" + base, manage: manage}
	if addr == "" {
		return p, nil
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the SMTP address %q is not host:port: %w", addr, err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("the SMTP address %q is not host:port: %w", addr, err)
	}
	p.client, err = mail.NewClient(host, mail.WithPort(port), mail.WithTLSPolicy(mail.TLSOpportunistic), mail.WithTimeout(timeout),
		mail.WithHELO(base))
	if err != nil {
		return nil, fmt.Errorf("making the SMTP client: %w", err)
	}
	return p, nil
}

const welcome = `Welcome to Postern.

The tenant %s of your account %s is ready, and answers at

  https://%s/

You manage it at %s
`

// Welcome implements tenant.Postman. Without a relay it does nothing.
func (p *Postman) Welcome(ctx context.Context, to string, t tenant.Tenant, domain string) error {
	if p.client == nil {
		return nil
	}
	m := mail.NewMsg()
	if err := m.FromFormat("Postern", p.from); err != nil {
		return fault.Internal(fmt.Errorf("addressing the mail: %w", err))
	}
	if err := m.To(to); err != nil {
		return fault.Invalid("invalid_email", "Mail cannot be sent to this address").Because(err)
	}
	m.Subject(fmt.Sprintf("%s is ready in %s", t.Slug, t.Region))
	m.SetBodyString(mail.TypeTextPlain, fmt.Sprintf(welcome, t.ID, t.Slug, domain, p.manage))
	if err := p.client.DialAndSendWithContext(ctx, m); err != nil {
		return fault.Unavailable("The mail relay is away").Because(err)
	}
	return nil
}
