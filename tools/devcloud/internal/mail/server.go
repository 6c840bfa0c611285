package mail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Config is what a server is made of.
type Config struct {
	Folder *folder.Folder
	// SMTPPort takes mails, HTTPPort shows them; both on loopback.
	SMTPPort, HTTPPort int
	Now                func() time.Time
}

// Server takes and shows mails.
type Server struct {
	cfg  Config
	smtp *smtp.Server
	http *http.Server
}

// New describes a server and starts nothing.
func New(cfg Config) *Server { return &Server{cfg: cfg} }

// SMTPAddr is where mails go.
func (s *Server) SMTPAddr() string { return address(s.cfg.SMTPPort) }

// URL is where they are shown.
func (s *Server) URL() string { return "http://" + address(s.cfg.HTTPPort) }

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

const maxMessageBytes = 10 << 20

// Start listens on both ports.
func (s *Server) Start(ctx context.Context) error {
	store, err := OpenStore(s.cfg.Folder, s.cfg.Now)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	smtpListener, err := lc.Listen(ctx, "tcp", s.SMTPAddr())
	if err != nil {
		return fmt.Errorf("listening for mail: %w", err)
	}
	httpListener, err := lc.Listen(ctx, "tcp", address(s.cfg.HTTPPort))
	if err != nil {
		_ = smtpListener.Close()
		return fmt.Errorf("listening for the mail page: %w", err)
	}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{store: store}, nil }))
	s.smtp.Domain = "localhost"
	s.smtp.MaxMessageBytes = maxMessageBytes
	s.smtp.MaxRecipients = 100
	s.smtp.ReadTimeout, s.smtp.WriteTimeout = time.Minute, time.Minute
	s.http = &http.Server{Handler: Handler(store), ReadHeaderTimeout: 10 * time.Second}
	smtpServer, httpServer := s.smtp, s.http
	go func() { _ = smtpServer.Serve(smtpListener) }() // both end by Stop
	go func() { _ = httpServer.Serve(httpListener) }()
	return nil
}

// Stop ends both listeners; a mail that was accepted is on disk.
func (s *Server) Stop(context.Context) error {
	if s.smtp == nil {
		return nil
	}
	err := s.smtp.Close()
	if errors.Is(err, smtp.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.http.Close())
}

// session is one connection's mail under way.
type session struct {
	store      *Store
	sender     string
	recipients []string
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.sender, s.recipients = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.sender = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.recipients = append(s.recipients, to)
	return nil
}

// Data implements smtp.Session: once it returns nil the mail is kept.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading a mail: %w", err)
	}
	return s.store.Add(s.sender, s.recipients, raw)
}
