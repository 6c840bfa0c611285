package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/google/pprof/profile"
)

// profiler gathers what Postern's processor time goes into while it is asked, by which its next build puts what is busy in line
// (profile-guided optimization, https://go.dev/doc/pgo). The zero value gathers nothing.
type profiler struct {
	url      string // of /debug/pprof/profile; empty: none is wanted
	profiles []*profile.Profile
}

// during gathers for life while do runs.
func (p *profiler) during(ctx context.Context, life time.Duration, do func() error) error {
	if p.url == "" {
		return do()
	}
	type answer struct {
		profile *profile.Profile
		err     error
	}
	gathered := make(chan answer, 1)
	go func() {
		one, err := p.gather(ctx, life)
		gathered <- answer{one, err}
	}()
	err := do()
	a := <-gathered
	if err := errors.Join(err, a.err); err != nil {
		return err
	}
	p.profiles = append(p.profiles, a.profile)
	return nil
}

func (p *profiler) gather(ctx context.Context, life time.Duration) (*profile.Profile, error) {
	target := fmt.Sprintf("%s?seconds=%d", p.url, max(1, int(life/time.Second)))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", target, res.Status)
	}
	return profile.Parse(res.Body)
}

// write puts all that was gathered into one file. The compiler goes by names and lines: where the sources lay stays out of it.
func (p *profiler) write(name string) error {
	all, err := profile.Merge(p.profiles)
	if err != nil {
		return err
	}
	for _, f := range all.Function {
		f.Filename = ""
	}
	for _, m := range all.Mapping {
		m.File, m.BuildID = "", ""
	}
	all.Comments, all.DocURL = nil, ""
	all = all.Compact()
	if err := all.CheckValid(); err != nil {
		return err
	}
	out, err := os.Create(name) //nolint:gosec // the file that was asked for
	if err != nil {
		return err
	}
	return errors.Join(all.Write(out), out.Close())
}
