package process

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant"
)

// Half is the control plane or a cell's half.
type Half interface {
	Handler() http.Handler
	Internal() http.Handler
	RunTasks(ctx context.Context) error
	RunWorker(ctx context.Context) error
	Ready(ctx context.Context) error
	Close()
}

// Open opens the half that cfg is of.
func Open(ctx context.Context, cfg Config, tel *telemetry.Telemetry) (Half, error) {
	if cfg.CellHalf.Cell == "" {
		return tenant.NewControl(ctx, cfg.Control, tenant.ControlDeps{Log: tel.Log, Now: time.Now}) //nolint:forbidigo // a process reads the clock
	}
	key, err := os.ReadFile(cfg.EdgeKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the edge key: %w", err)
	}
	seal, err := tenancy.NewSeal(key, time.Now) //nolint:forbidigo // a process reads the clock
	if err != nil {
		return nil, err
	}
	remote, err := cfg.MTLS.Client()
	if err != nil {
		return nil, err
	}
	opt := rpckit.ClientOption()
	return tenant.NewCell(ctx, cfg.CellHalf, tenant.CellDeps{
		Log: tel.Log, Seal: seal, Now: time.Now, //nolint:forbidigo // a process reads the clock
		Tokens:  tokenapiconnect.NewTokenServiceClient(remote, cfg.TokenURL, opt),
		Clients: clientapiconnect.NewClientServiceClient(remote, cfg.ClientURL, opt),
		Users:   userapiconnect.NewUserServiceClient(remote, cfg.UserURL, opt),
	})
}
