package cloud

import (
	"context"
	"net/http"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/config"
	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// FirstOwner lets tests sign up without a dev cloud around it.
func FirstOwner(ctx context.Context, cfg config.Config, f *folder.Folder) (*Owner, error) {
	s := &signups{cfg: cfg, folder: f, client: http.DefaultClient, patience: 5 * time.Second, interval: time.Millisecond}
	return s.first(ctx)
}
