package token

import (
	"context"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// MaxDeviceKeys is how many device keys a user may have; the oldest go for a new one.
const MaxDeviceKeys = 50

// DeviceKey is a public key that a user keeps for a device: a record of the wire's older days, which opens nothing here.
type DeviceKey struct {
	ID         string
	UserID     string
	ClientID   string // empty: of no client in particular
	DeviceID   string
	DeviceName string
	PublicKey  string // as it was sent
	Created    time.Time
}

// Devices is what administrators see of refresh tokens and device keys, and users of their own.
type Devices struct {
	Refresh RefreshAdmin
	Keys    DeviceKeyStore
	Now     clock.Now
}

// maxMetadata bounds a family's metadata: how many there are of them, and how long a name or a value is, in characters.
const (
	maxMetadata     = 25
	maxMetadataText = 255
)

// SetMetadata puts metadata in the place of what the family has; none takes it all away.
func (d *Devices) SetMetadata(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string) (RefreshToken, error) {
	if err := checkMetadata("refresh_token_metadata", metadata); err != nil {
		return RefreshToken{}, err
	}
	r, err := d.Refresh.UpdateRefreshToken(ctx, tenant, id, metadata, d.Now())
	return r, noRefreshToken(err)
}

func noRefreshToken(err error) error {
	if fault.Is(err, fault.KindNotFound) {
		return fault.New(fault.KindNotFound, "inexistent_refresh_token", "The refresh token does not exist.")
	}
	return err
}

// FindRefreshToken gives a family by its ID.
func (d *Devices) FindRefreshToken(ctx context.Context, tenant tenancy.ID, id string) (RefreshToken, error) {
	r, err := d.find(ctx, tenant, id)
	return r, noRefreshToken(err)
}

// find gives a family by its ID. Those that live as long as their session are seen and ended as that (fault.NotFound).
func (d *Devices) find(ctx context.Context, tenant tenancy.ID, id string) (RefreshToken, error) {
	r, err := d.Refresh.FindRefreshToken(ctx, tenant, id, d.Now())
	if err == nil && r.Online {
		err = fault.NotFound("It is a part of its session")
	}
	return r, err
}

// ListRefreshTokens gives a part of the tenant's families.
func (d *Devices) ListRefreshTokens(ctx context.Context, tenant tenancy.ID, f RefreshFilter, p Page) ([]RefreshToken, int, error) {
	return d.Refresh.ListRefreshTokens(ctx, tenant, f, p, d.Now())
}

// EndRefreshToken ends one family.
func (d *Devices) EndRefreshToken(ctx context.Context, tenant tenancy.ID, id string) error {
	if _, err := d.FindRefreshToken(ctx, tenant, id); err != nil {
		return err
	}
	_, err := d.Refresh.EndRefreshTokens(ctx, tenant, RefreshFilter{IDs: []string{id}}, d.Now())
	return err
}

// EndRefreshTokens ends many: by their IDs, of a user, of a user at a client, of these for an API, or of a client. Any other filter is
// fault.Invalid: what was meant with it cannot be told.
func (d *Devices) EndRefreshTokens(ctx context.Context, tenant tenancy.ID, f RefreshFilter) error {
	named := f.UserID != "" || f.ClientID != "" || f.Audience != ""
	switch {
	case len(f.IDs) > 0 == named, f.Audience != "" && (f.UserID == "" || f.ClientID == ""):
		return fault.Invalid("invalid_body", "Payload validation error: 'Expected ids, user_id, user_id and client_id, user_id, client_id and audience, or client_id'.")
	}
	_, err := d.Refresh.EndRefreshTokens(ctx, tenant, f, d.Now())
	return err
}

// AddKey stores a device key of a user, and gives its ID.
func (d *Devices) AddKey(ctx context.Context, tenant tenancy.ID, k DeviceKey) (string, error) {
	for _, text := range []string{k.ClientID, k.DeviceID, k.DeviceName, k.PublicKey} {
		if strings.ContainsRune(text, 0) {
			return "", fault.Invalid("invalid_body", "Payload validation error: 'The character U+0000 is not allowed'.")
		}
	}
	k.ID, k.Created = "dcr_"+randomWord(16), d.Now()
	err := d.Keys.AddDeviceKey(ctx, tenant, k)
	if fault.Is(err, fault.KindConflict) {
		return "", fault.Conflict("device_credential_conflict", "The device has a public key already.")
	}
	return k.ID, err
}

// ListKeys gives a part of the tenant's device keys.
func (d *Devices) ListKeys(ctx context.Context, tenant tenancy.ID, userID, clientID string, p Page) ([]DeviceKey, int, error) {
	return d.Keys.ListDeviceKeys(ctx, tenant, userID, clientID, p)
}

// Delete removes a device credential of either kind, of that user where one is named; another's is not there.
func (d *Devices) Delete(ctx context.Context, tenant tenancy.ID, id, userID string) error {
	missing := fault.New(fault.KindNotFound, "inexistent_device_credential", "The device credential does not exist.")
	if !strings.HasPrefix(id, refreshIDPrefix) {
		err := d.Keys.DeleteDeviceKey(ctx, tenant, id, userID, d.Now())
		if fault.Is(err, fault.KindNotFound) {
			return missing
		}
		return err
	}
	r, err := d.find(ctx, tenant, id)
	if fault.Is(err, fault.KindNotFound) || err == nil && userID != "" && r.UserID != userID {
		return missing
	}
	if err != nil {
		return err
	}
	_, err = d.Refresh.EndRefreshTokens(ctx, tenant, RefreshFilter{IDs: []string{id}}, d.Now())
	return err
}
