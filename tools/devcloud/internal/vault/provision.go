package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/sync/errgroup"
)

// services log in to a cell's part of Vault, each with a policy of its own.
var services = []string{"client", "user", "token", "log", "tenant"}

// self is the policy of all services, in every cell.
const self = "self"

// Render fills a policy in for a cell.
func Render(policy, cell string) string { return strings.ReplaceAll(policy, "{{cell}}", cell) }

// provision makes what is missing and puts policies and roles as the files say. It can be repeated at any time.
func (s *Server) provision(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := s.mounts(ctx, client); err != nil {
		return err
	}
	policy, err := s.policy(self)
	if err != nil {
		return err
	}
	if err := policyAs(ctx, client, self, policy); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, service := range services {
		policy, err := s.policy(service)
		if err != nil {
			return err
		}
		for _, cell := range s.cfg.Cells {
			group.Go(func() error {
				name := cell + "-" + service
				if err := policyAs(ctx, client, name, Render(policy, cell)); err != nil {
					return err
				}
				return s.role(ctx, client, name)
			})
		}
	}
	return group.Wait()
}

func (s *Server) policy(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(s.cfg.Policies, name+".hcl")) //nolint:gosec // the operator's own folder
	if err != nil {
		return "", fmt.Errorf("reading a vault policy (set POSTERN_INFRA to the repository's infra folder): %w", err)
	}
	return string(text), nil
}

func (s *Server) client() (*api.Client, error) {
	cfg := api.DefaultConfig()
	if cfg.Error != nil {
		return nil, fmt.Errorf("describing a vault client: %w", cfg.Error)
	}
	cfg.Address, cfg.Timeout, cfg.MaxRetries = s.Addr(), 30*time.Second, 0
	client, err := api.NewClient(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a vault client: %w", err)
	}
	if err := client.SetAddress(s.Addr()); err != nil { // a VAULT_ADDR in the caller's environment leads elsewhere
		return nil, fmt.Errorf("making a vault client: %w", err)
	}
	client.ClearNamespace()
	client.SetToken(s.keys.Root)
	return client, nil
}

func (s *Server) mounts(ctx context.Context, client *api.Client) error {
	mounted, err := client.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return fmt.Errorf("listing vault's mounts: %w", err)
	}
	const decade = "87600h"
	for _, cell := range s.cfg.Cells {
		for path, input := range map[string]*api.MountInput{
			// Keys stay in memory once used: transit caches without bound unless told otherwise.
			cell + "/transit": {Type: "transit", Description: "keys of the tenants in cell " + cell},
			cell + "/pki":     {Type: "pki", Description: "certificates of the services in cell " + cell, Config: api.MountConfigInput{MaxLeaseTTL: decade}},
		} {
			if _, ok := mounted[path+"/"]; ok {
				continue
			}
			if err := client.Sys().MountWithContext(ctx, path, input); err != nil {
				return fmt.Errorf("mounting %s: %w", path, err)
			}
		}
	}
	auths, err := client.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("listing vault's logins: %w", err)
	}
	if _, ok := auths["approle/"]; !ok {
		if err := client.Sys().EnableAuthWithOptionsWithContext(ctx, "approle", &api.EnableAuthOptions{Type: "approle"}); err != nil {
			return fmt.Errorf("enabling approle: %w", err)
		}
	}
	return nil
}

func policyAs(ctx context.Context, client *api.Client, name, text string) error {
	present, err := client.Sys().GetPolicyWithContext(ctx, name)
	if err != nil {
		return fmt.Errorf("reading policy %s: %w", name, err)
	}
	if present == text {
		return nil
	}
	if err := client.Sys().PutPolicyWithContext(ctx, name, text); err != nil {
		return fmt.Errorf("writing policy %s: %w", name, err)
	}
	return nil
}

// role makes the AppRole and leaves its credentials in the secrets folder. Credentials that still open it are kept.
func (s *Server) role(ctx context.Context, client *api.Client, name string) error {
	path := "auth/approle/role/" + name
	_, err := client.Logical().WriteWithContext(ctx, path, map[string]any{
		"token_policies": []string{self, name}, "token_no_default_policy": true,
		// Renewed for ever by a service that lives, gone an hour after it died.
		"token_period":   "1h",
		"bind_secret_id": true, "secret_id_num_uses": 0, "secret_id_ttl": 0,
	})
	if err != nil {
		return fmt.Errorf("writing role %s: %w", name, err)
	}
	id, err := client.Logical().ReadWithContext(ctx, path+"/role-id")
	if err != nil {
		return fmt.Errorf("reading role %s: %w", name, err)
	}
	roleID, ok := id.Data["role_id"].(string)
	if !ok {
		return fmt.Errorf("role %s has no ID", name)
	}
	roleFile := filepath.Join(Secrets, name+".role_id")
	if written, err := s.cfg.Folder.Read(roleFile); err != nil || string(written) != roleID {
		if err := s.cfg.Folder.Write(roleFile, []byte(roleID)); err != nil {
			return err
		}
	}
	secretFile := filepath.Join(Secrets, name+".secret_id")
	secret, err := s.cfg.Folder.Read(secretFile)
	switch {
	case err == nil:
		found, err := client.Logical().WriteWithContext(ctx, path+"/secret-id/lookup", map[string]any{"secret_id": strings.TrimSpace(string(secret))})
		if err == nil && found != nil {
			return nil
		}
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	made, err := client.Logical().WriteWithContext(ctx, path+"/secret-id", nil)
	if err != nil {
		return fmt.Errorf("making the secret of role %s: %w", name, err)
	}
	secretID, ok := made.Data["secret_id"].(string)
	if !ok {
		return fmt.Errorf("role %s got no secret", name)
	}
	return s.cfg.Folder.Write(secretFile, []byte(secretID))
}
