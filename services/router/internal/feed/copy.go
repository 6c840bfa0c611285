package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/services/router/internal/route"
)

// Change is what the directory says of one host.
type Change struct {
	Host     string
	Value    []byte // a tenantapi.HostEntry as JSON
	Revision uint64
	Gone     bool
}

// Copy is the directory as this router has it: in a table, and in a file for the next start. Safe for concurrent use.
type Copy struct {
	table *route.Table
	file  string // empty: none

	mu       sync.Mutex
	revision uint64          // of the last change applied
	served   bool            // there is a directory to serve by: the file's or the published one
	reading  bool            // a whole reading is under way, so revision is not yet one to tell
	seen     map[string]bool // the hosts of that reading
}

// NewCopy makes a copy that keeps table up to date. The first reading is the first thing expected.
func NewCopy(table *route.Table, file string) *Copy {
	c := &Copy{table: table, file: file}
	c.Restart()
	return c
}

// Restart begins a whole reading: what it does not tell of is forgotten at its end.
func (c *Copy) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading, c.seen, c.revision = true, map[string]bool{}, 0
}

// Apply takes a change over. An error says what is wrong with it; the host's last good entry stays.
func (c *Copy) Apply(ch Change) error {
	err := c.put(ch)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision = ch.Revision // only now: who waits for it must find the change served
	if c.reading && !ch.Gone {
		c.seen[ch.Host] = true
	}
	return err
}

func (c *Copy) put(ch Change) error {
	host, ok := route.NormalHost(ch.Host)
	if !ok || host != ch.Host {
		return errors.New("not a host name")
	}
	if ch.Gone {
		c.table.Remove(host)
		return nil
	}
	var entry tenantapi.HostEntry
	if err := json.Unmarshal(ch.Value, &entry); err != nil {
		return fmt.Errorf("reading the entry: %w", err)
	}
	if entry.Tenant == "" {
		return errors.New("an entry without a tenant")
	}
	c.table.Put(host, fromWire(entry))
	return nil
}

// ErrEmpty is what Synced says of a directory that has nothing at all, not even a deletion, where there was one before.
var ErrEmpty = errors.New("the published directory is empty; known hosts are kept")

// Synced ends a reading: all there was has been told. A directory that was lost (ErrEmpty) takes no known host along.
func (c *Copy) Synced() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reading {
		return nil
	}
	var err error
	if c.revision == 0 && c.table.Len() > 0 {
		err = ErrEmpty
	} else {
		c.table.Keep(c.seen)
	}
	c.reading, c.seen, c.served = false, nil, true
	return err
}

// Applied gives the revision up to which all changes are served; ok is false while a whole reading is under way.
func (c *Copy) Applied() (revision uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision, !c.reading
}

// Served reports whether there is a directory to serve by.
func (c *Copy) Served() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

// snapshot is the file's content.
type snapshot struct {
	Revision uint64                         `json:"revision"`
	Hosts    map[string]tenantapi.HostEntry `json:"hosts"`
}

// Load fills the table from the file. No file is no error, and no directory.
func (c *Copy) Load() error {
	if c.file == "" {
		return nil
	}
	raw, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the directory copy: %w", err)
	}
	var s snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("reading the directory copy: %w", err)
	}
	for host, entry := range s.Hosts {
		c.table.Put(host, fromWire(entry))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = true
	return nil
}

// Save writes the file in one step: a crash leaves the old one.
func (c *Copy) Save() error {
	if c.file == "" {
		return nil
	}
	revision, _ := c.Applied()
	hosts := map[string]tenantapi.HostEntry{}
	for host, entry := range c.table.All() {
		hosts[host] = toWire(entry)
	}
	raw, err := json.Marshal(snapshot{Revision: revision, Hosts: hosts})
	if err != nil {
		return fmt.Errorf("encoding the directory: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(c.file), ".directory-*")
	if err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	if err := os.Rename(tmp.Name(), c.file); err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	return nil
}
