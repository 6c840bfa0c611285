// Package okta stands in for Okta's client, by which Vault can ask for a second factor: here nothing asks for one.
package okta

import (
	"context"
	"errors"
)

var errAbsent = errors.New("Okta is not in a dev cloud")

// The names below are those that Vault's login compiles against. NewConfiguration fails, so none of the rest is ever reached.
type (
	// Configuration would say how to reach Okta.
	Configuration struct{ Context context.Context }
	// ConfigSetter would change a Configuration.
	ConfigSetter func(*Configuration)
	// APIClient would reach Okta.
	APIClient struct {
		UserAPI       users
		UserFactorAPI factors
	}
	// APIResponse would be the answer as it came.
	APIResponse struct{}
	// User would be somebody at Okta.
	User struct{ identified }
	// UserFactorPush would be somebody's telephone.
	UserFactorPush struct{ identified }
	// Factor would be one of somebody's factors.
	Factor struct{ UserFactorPush *UserFactorPush }
	// Verification would be a question under way.
	Verification struct{ Links map[string]any }
	// Transaction would be the state of a question: one of its fields is set.
	Transaction struct {
		UserFactorPushTransaction, UserFactorPushTransactionWaiting, UserFactorPushTransactionRejected, UserFactorPushTransactionTimeout *struct{}
	}

	identified     struct{}
	users          struct{}
	factors        struct{}
	request[T any] struct{}
)

// NewConfiguration says that there is no Okta.
func NewConfiguration(...ConfigSetter) (*Configuration, error) { return nil, errAbsent }

// WithToken is ignored.
func WithToken(string) ConfigSetter { return func(*Configuration) {} }

// WithOrgUrl is ignored.
func WithOrgUrl(string) ConfigSetter { return func(*Configuration) {} } //nolint:revive // the name is Okta's

// WithCache is ignored.
func WithCache(bool) ConfigSetter { return func(*Configuration) {} }

// NewAPIClient gives a client that reaches nothing.
func NewAPIClient(*Configuration) *APIClient { return &APIClient{} }

// GetConfig gives an empty configuration.
func (*APIClient) GetConfig() *Configuration { return &Configuration{} }

// GetId is empty.
func (identified) GetId() string { return "" } //nolint:revive // the name is Okta's

// GetFactorResult is empty.
func (*Verification) GetFactorResult() string { return "" }

func (users) ListUsers(context.Context) request[[]User] { return request[[]User]{} }

func (factors) ListFactors(context.Context, string) request[[]Factor] { return request[[]Factor]{} }

func (factors) VerifyFactor(context.Context, string, string) request[*Verification] {
	return request[*Verification]{}
}

func (factors) GetFactorTransactionStatus(context.Context, string, string, string) request[*Transaction] {
	return request[*Transaction]{}
}

// Filter changes nothing.
func (r request[T]) Filter(string) request[T] { return r }

// Execute says that there is no Okta.
func (request[T]) Execute() (none T, _ *APIResponse, err error) { return none, nil, errAbsent }
