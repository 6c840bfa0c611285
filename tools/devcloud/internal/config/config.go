// Package config reads the dev cloud's settings from the environment and says in one sentence what cannot work. It opens nothing.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Config is the dev cloud as asked for. Every field has a default, so an empty environment is a valid one.
type Config struct {
	// BaseDomain is what every host ends in (POSTERN_BASE_DOMAIN, default postern.localhost). Lower case, no port.
	BaseDomain string
	// HTTPSAddr and HTTPAddr are the public listeners of the platform (POSTERN_HTTPS_ADDR :8443, POSTERN_HTTP_ADDR :8080).
	HTTPSAddr, HTTPAddr string
	// PrivateAddr answers /healthz, /readyz and /metrics of the platform's process (POSTERN_PRIVATE_ADDR 127.0.0.1:8081).
	PrivateAddr string
	// Data is the folder of everything that is kept, absolute (POSTERN_DATA .postern).
	Data string
	// Regions are the regions to run, one cell each and of the same name; the first is the default one (POSTERN_REGIONS us,eu,au).
	Regions []string
	// Bin is the platform's own binary (POSTERN_BIN; default postern-server, beside this program). Not checked here.
	Bin string
	// Infra is the folder of Vault policies, NATS streams and the Temporal namespace (POSTERN_INFRA; default infra, here or beside
	// the folder of this program).
	Infra string
	// PostgresBin is a folder with initdb and postgres to use (POSTERN_POSTGRES_BIN). Empty: what the machine has, else fetched;
	// "fetch": fetched in any case.
	PostgresBin string
	// FirstOwner says whether the first boot signs an account up (POSTERN_FIRST_OWNER=off: no).
	FirstOwner bool
	// EnginePorts are the loopback ports asked for by name (POSTERN_POSTGRES_PORT and so on); an engine not in here gets a free one.
	EnginePorts map[string]int
}

// Engines that listen on a loopback port of their own.
var Engines = []string{"postgres", "vault", "nats", "temporal", "smtp", "mail", "admin"}

// A region's name becomes a host label, a database, an account and a mount.
var regionName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// Load reads the environment through lookup (os.LookupEnv). The error is a sentence for the person who typed the command.
func Load(lookup func(string) (string, bool)) (Config, error) {
	get := func(name, fallback string) string {
		if v, ok := lookup(name); ok && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v)
		}
		return fallback
	}
	c := Config{
		BaseDomain:  strings.ToLower(get("POSTERN_BASE_DOMAIN", "postern.localhost")),
		HTTPSAddr:   get("POSTERN_HTTPS_ADDR", ":8443"),
		HTTPAddr:    get("POSTERN_HTTP_ADDR", ":8080"),
		PrivateAddr: get("POSTERN_PRIVATE_ADDR", "127.0.0.1:8081"),
		Regions:     split(get("POSTERN_REGIONS", "us,eu,au")),
		Bin:         get("POSTERN_BIN", ""),
		Infra:       get("POSTERN_INFRA", ""),
		PostgresBin: get("POSTERN_POSTGRES_BIN", ""),
		EnginePorts: map[string]int{},
	}
	var err error
	if c.Data, err = filepath.Abs(get("POSTERN_DATA", ".postern")); err != nil {
		return c, fmt.Errorf("finding the data folder: %w", err)
	}
	switch v := get("POSTERN_FIRST_OWNER", "on"); v {
	case "on", "off":
		c.FirstOwner = v == "on"
	default:
		return c, fmt.Errorf("POSTERN_FIRST_OWNER is %q; set it to on or off", v)
	}
	for _, engine := range Engines {
		name := "POSTERN_" + strings.ToUpper(engine) + "_PORT"
		if v := get(name, ""); v != "" {
			port, err := strconv.ParseUint(v, 10, 16)
			if err != nil || port == 0 {
				return c, fmt.Errorf("%s is %q; set it to a port number, or leave it out for a free one", name, v)
			}
			c.EnginePorts[engine] = int(port)
		}
	}
	if err := c.locate(); err != nil {
		return c, err
	}
	return c, c.validate()
}

func split(list string) []string {
	var out []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// locate finds the platform's binary and the infra folder from where this program lies, as "make run" leaves them.
func (c *Config) locate() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	beside := filepath.Dir(self)
	if c.Bin == "" {
		c.Bin = filepath.Join(beside, "postern-server")
	}
	if c.Infra == "" {
		c.Infra = "infra"
		if _, err := os.Stat(c.Infra); err != nil {
			c.Infra = filepath.Join(beside, "..", "infra")
		}
	}
	for _, path := range []*string{&c.Bin, &c.Infra} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("finding %s: %w", *path, err)
		}
	}
	return nil
}

func (c *Config) validate() error {
	if c.BaseDomain == "" || strings.ContainsAny(c.BaseDomain, "/: ") || strings.HasPrefix(c.BaseDomain, ".") {
		return fmt.Errorf("POSTERN_BASE_DOMAIN is %q; set it to a host name without scheme and port, like postern.localhost", c.BaseDomain)
	}
	for name, addr := range map[string]string{
		"POSTERN_HTTPS_ADDR": c.HTTPSAddr, "POSTERN_HTTP_ADDR": c.HTTPAddr, "POSTERN_PRIVATE_ADDR": c.PrivateAddr,
	} {
		if _, port, err := net.SplitHostPort(addr); err != nil || !isPort(port) {
			return fmt.Errorf("%s is %q; set it to an address with a port, like :8443", name, addr)
		}
	}
	if len(c.Regions) == 0 {
		return errors.New("POSTERN_REGIONS names no region; set it to a list like us,eu,au")
	}
	seen := map[string]bool{"control": true}
	for _, r := range c.Regions {
		if !regionName.MatchString(r) {
			return fmt.Errorf("POSTERN_REGIONS has %q; a region is at most 16 lower-case letters and digits, a letter first", r)
		}
		if seen[r] {
			return fmt.Errorf("POSTERN_REGIONS has %q twice, or a name that the control plane uses; name each region once", r)
		}
		seen[r] = true
	}
	return nil
}

func isPort(s string) bool {
	port, err := strconv.ParseUint(s, 10, 16)
	return err == nil && port > 0
}

// Cells is the list of cells with their regions as the platform reads it (POSTERN_CELLS): "us:us,eu:eu".
func (c *Config) Cells() string {
	pairs := make([]string, len(c.Regions))
	for i, r := range c.Regions {
		pairs[i] = r + ":" + r
	}
	return strings.Join(pairs, ",")
}

// HTTPSPort is the port that public https URLs carry.
func (c *Config) HTTPSPort() string { return portOf(c.HTTPSAddr) }

// URL is the public https address of host, without the port when it is 443.
func (c *Config) URL(host string) string {
	if port := c.HTTPSPort(); port != "443" {
		host = net.JoinHostPort(host, port)
	}
	return "https://" + host
}

// Local turns a listening address into one to dial from this machine: ":8081" is 127.0.0.1:8081.
func Local(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "" // validate let no such address through
	}
	return port
}
