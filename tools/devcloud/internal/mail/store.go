// Package mail is a mail server that delivers to nobody: it keeps what the platform sends and shows it, as a page and as JSON.
package mail

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/tools/devcloud/internal/folder"
)

// Message is one mail as it arrived.
type Message struct {
	ID       string    `json:"id"` // a number of nine digits, in order of arrival
	Received time.Time `json:"received"`
	// Sender and Recipients are the envelope's; From and To are what the mail says of itself.
	Sender     string   `json:"sender"`
	Recipients []string `json:"recipients"`
	From       string   `json:"from"`
	To         []string `json:"to"`
	Subject    string   `json:"subject"`
	Text       string   `json:"text,omitempty"`
	HTML       string   `json:"html,omitempty"`
	Raw        string   `json:"raw"`
}

// kept bounds the store: older mails go.
const kept = 1000

// Store keeps mails as files in the data folder. Safe for concurrent use.
type Store struct {
	folder *folder.Folder
	now    func() time.Time

	mu       sync.RWMutex
	messages []Message // oldest first
}

// OpenStore reads the mails of earlier boots.
func OpenStore(f *folder.Folder, now func() time.Time) (*Store, error) {
	dir, err := f.Dir("mail")
	if err != nil {
		return nil, err
	}
	s := &Store{folder: f, now: now}
	files, err := filepath.Glob(filepath.Join(dir, "*.json")) // sorted by name, which is by number
	if err != nil {
		return nil, fmt.Errorf("listing mails: %w", err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path) //nolint:gosec // our data folder
		if err != nil {
			return nil, fmt.Errorf("reading a mail: %w", err)
		}
		var m Message
		if err := json.Unmarshal(content, &m); err != nil {
			return nil, fmt.Errorf("reading the mail %s: %w", path, err)
		}
		s.messages = append(s.messages, m)
	}
	return s, nil
}

// Add keeps a mail as it came over the wire. One that cannot be parsed is kept with its raw text alone.
func (s *Store) Add(sender string, recipients []string, raw []byte) error {
	m := parse(raw)
	m.Sender, m.Recipients, m.Received = sender, recipients, s.now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	last := 0
	if n := len(s.messages); n > 0 {
		last, _ = strconv.Atoi(s.messages[n-1].ID) // ours: a number
	}
	m.ID = fmt.Sprintf("%09d", last+1)
	if err := s.folder.WriteJSON(filepath.Join("mail", m.ID+".json"), m); err != nil {
		return err
	}
	s.messages = append(s.messages, m)
	for len(s.messages) > kept {
		if err := os.Remove(s.folder.Path("mail", s.messages[0].ID+".json")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("dropping an old mail: %w", err)
		}
		s.messages = s.messages[1:]
	}
	return nil
}

// List gives the mails to an address, newest first; to everybody when to is empty.
func (s *Store) List(to string) []Message {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []Message{}
	for _, m := range slices.Backward(s.messages) {
		if to == "" || slices.ContainsFunc(m.Recipients, func(r string) bool { return strings.EqualFold(r, to) }) {
			out = append(out, m)
		}
	}
	return out
}

// Find gives one mail.
func (s *Store) Find(id string) (Message, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := slices.IndexFunc(s.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return s.messages[i], true
}
