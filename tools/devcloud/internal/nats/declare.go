package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Declaration is one stream or one key-value bucket, and where it belongs.
type Declaration struct {
	// In is "every" (each cell and the control plane) or "control".
	In     string  `json:"in"`
	Stream *Stream `json:"stream,omitempty"`
	Bucket *Bucket `json:"bucket,omitempty"`
	// Why is for the reader of the file.
	Why string `json:"why"`
}

// Stream is a JetStream stream that drops by age.
type Stream struct {
	Name            string   `json:"name"`
	Subjects        []string `json:"subjects"`
	Storage         string   `json:"storage"`
	MaxAge          Duration `json:"max_age"`
	DuplicateWindow Duration `json:"duplicate_window"`
}

// Bucket is a JetStream key-value bucket.
type Bucket struct {
	Name    string   `json:"name"`
	Storage string   `json:"storage"`
	History uint8    `json:"history"`
	TTL     Duration `json:"ttl"`
}

// Duration is written as Go writes it: "168h", "2m", "30s". Empty is zero: for ever.
type Duration time.Duration

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is a string like \"2m\": %w", err)
	}
	if s == "" {
		*d = 0
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("reading a duration: %w", err)
	}
	*d = Duration(v)
	return nil
}

var storages = map[string]jetstream.StorageType{"file": jetstream.FileStorage, "memory": jetstream.MemoryStorage}

func parse(content []byte) (Declaration, error) {
	var d Declaration
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	if d.In != "every" && d.In != Control {
		return d, fmt.Errorf("in is %q; write every or %s", d.In, Control)
	}
	if (d.Stream == nil) == (d.Bucket == nil) {
		return d, errors.New("a declaration has either a stream or a bucket")
	}
	var storage string
	if d.Stream != nil {
		storage = d.Stream.Storage
	} else {
		storage = d.Bucket.Storage
	}
	if _, ok := storages[storage]; !ok {
		return d, fmt.Errorf("storage is %q; write file or memory", storage)
	}
	return d, nil
}

func (d Declaration) belongs(account string) bool { return d.In == "every" || d.In == account }

// provision makes account's streams and buckets, or changes them to what is declared.
func (s *Server) provision(ctx context.Context, account string, declared []Declaration) error {
	password, err := s.password(account)
	if err != nil {
		return err
	}
	conn, err := nats.Connect("", nats.InProcessServer(s.running), nats.UserInfo(account, password), nats.Name("devcloud"))
	if err != nil {
		return fmt.Errorf("connecting to nats as %s: %w", account, err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(20*time.Second))
	if err != nil {
		return fmt.Errorf("opening jetstream: %w", err)
	}
	for _, d := range declared {
		if !d.belongs(account) {
			continue
		}
		if d.Stream != nil {
			_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
				Name: d.Stream.Name, Subjects: d.Stream.Subjects, Description: d.Why, Storage: storages[d.Stream.Storage],
				Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, AllowDirect: true,
				MaxAge: time.Duration(d.Stream.MaxAge), Duplicates: time.Duration(d.Stream.DuplicateWindow),
			})
		} else {
			_, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket: d.Bucket.Name, Description: d.Why, Storage: storages[d.Bucket.Storage],
				History: max(1, d.Bucket.History), TTL: time.Duration(d.Bucket.TTL),
			})
		}
		if err != nil {
			return fmt.Errorf("declaring a stream or bucket of account %s: %w", account, err)
		}
	}
	return nil
}
