package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/config"
	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Owner is the first account's owner and what the sign-up gave them.
type Owner struct {
	Account  string `json:"account"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Region   string `json:"region"`
	SignupID string `json:"signup_id,omitempty"`
	// Token opens the Platform API.
	Token string `json:"token,omitempty"`
	// Tenant is the sign-up's "tenant" object as the Platform API gave it, with the management client's secret.
	Tenant json.RawMessage `json:"tenant,omitempty"`
}

const ownerFile = "secrets/owner.json"

// signups speaks to the Platform API as anybody would.
type signups struct {
	cfg    config.Config
	folder *folder.Folder
	client *http.Client
	patience,
	interval time.Duration
}

// errTaken is a conflict: the account exists.
var errTaken = errors.New("the account exists already")

// first gives the first owner, signing the account up if that has not happened. Each step is written down before the next, so that a
// boot which is interrupted goes on where it was.
func (s *signups) first(ctx context.Context) (*Owner, error) {
	owner := &Owner{}
	err := s.folder.ReadJSON(ownerFile, owner)
	if errors.Is(err, os.ErrNotExist) {
		password, err := s.folder.Password("secrets/owner-password")
		if err != nil {
			return nil, err
		}
		// Passwords of people have upper case and marks: whatever policy the platform has, this one meets it.
		*owner = Owner{Account: "demo", Email: "owner@" + s.cfg.BaseDomain, Password: "Dev-" + password[:24], Region: s.cfg.Regions[0]}
		err = s.folder.WriteJSON(ownerFile, owner)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	if len(owner.Tenant) > 0 {
		return owner, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if owner.SignupID == "" {
		if err := s.begin(ctx, owner); err != nil {
			return owner, err
		}
		if err := s.folder.WriteJSON(ownerFile, owner); err != nil {
			return owner, err
		}
	}
	if err := s.await(ctx, owner); err != nil {
		return owner, err
	}
	return owner, s.folder.WriteJSON(ownerFile, owner)
}

func (s *signups) begin(ctx context.Context, owner *Owner) error {
	var made struct{ ID, Token string }
	status, err := s.call(ctx, http.MethodPost, "/v1/signups", "", map[string]string{
		"email": owner.Email, "password": owner.Password, "account": owner.Account, "region": owner.Region,
	}, &made)
	switch {
	case err != nil:
		return fmt.Errorf("signing the first owner up: %w", err)
	case status == http.StatusConflict:
		return fmt.Errorf("signing the first owner up: %w", errTaken)
	case status != http.StatusAccepted || made.ID == "":
		return fmt.Errorf("signing the first owner up: the platform answered %d", status)
	}
	owner.SignupID, owner.Token = made.ID, made.Token
	return nil
}

func (s *signups) await(ctx context.Context, owner *Owner) error {
	last := "unknown"
	for {
		var signup struct {
			Status string
			Tenant json.RawMessage
		}
		status, err := s.call(ctx, http.MethodGet, "/v1/signups/"+owner.SignupID, owner.Token, nil, &signup)
		switch {
		case err == nil && status == http.StatusOK && signup.Status == "ready":
			owner.Tenant = signup.Tenant
			return nil
		case err == nil && status == http.StatusOK && signup.Status == "failed":
			owner.SignupID = "" // the slug is free again: the next boot asks anew
			return errors.Join(errors.New("the first sign-up failed; see logs/postern.log in the data folder"), s.folder.WriteJSON(ownerFile, owner))
		case err == nil && status == http.StatusOK:
			last = signup.Status
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the first sign-up is not ready after %s, its status is %q; see logs/postern.log in the data folder", s.patience, last)
		case <-time.After(s.interval):
		}
	}
}

// call sends one request to the Platform API over plain HTTP on this machine, so that no certificate is needed.
func (s *signups) call(ctx context.Context, method, path, token string, in, out any) (int, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+config.Local(s.cfg.HTTPAddr)+path, body)
	if err != nil {
		return 0, fmt.Errorf("making the request: %w", err)
	}
	_, port, err := net.SplitHostPort(s.cfg.HTTPAddr)
	if err != nil {
		return 0, fmt.Errorf("making the request: %w", err)
	}
	req.Host = net.JoinHostPort("api."+s.cfg.BaseDomain, port)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, fmt.Errorf("reading the answer: %w", err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		if err := json.Unmarshal(content, out); err != nil {
			return res.StatusCode, fmt.Errorf("reading the answer: %w", err)
		}
	}
	return res.StatusCode, nil
}
