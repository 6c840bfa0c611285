package tenant

import (
	"slices"
	"strconv"
	"strings"

	"github.com/postern-id/postern/libs/fault"
)

// Region is where an account may have a tenant: "eu".
type Region string

// Cell is one data plane of a region.
type Cell struct {
	Name   string
	Region Region
}

// Map is the platform's geography: its cells and how hosts are named. Immutable.
type Map struct {
	Base  string // the base domain, without port
	Port  int    // the public port; 443 is not shown
	Cells []Cell // the first one's region is the default
}

// Regions gives the regions open for tenants, the default first.
func (m Map) Regions() []Region {
	var out []Region
	for _, c := range m.Cells {
		if !slices.Contains(out, c.Region) {
			out = append(out, c.Region)
		}
	}
	return out
}

// Default is the region whose name may be left out of a host.
func (m Map) Default() Region { return m.Cells[0].Region }

// ParseRegion gives the region of a name, the default for none; Invalid for one that is not there.
func (m Map) ParseRegion(name string) (Region, error) {
	if name == "" {
		return m.Default(), nil
	}
	if !slices.Contains(m.Regions(), Region(name)) {
		return "", fault.Invalid("invalid_region", "There is no such region")
	}
	return Region(name), nil
}

// CellsOf gives the cells of a region, in the order they were configured.
func (m Map) CellsOf(r Region) []Cell {
	var out []Cell
	for _, c := range m.Cells {
		if c.Region == r {
			out = append(out, c)
		}
	}
	return out
}

// HostKind says why a tenant answers at a host.
type HostKind string

// The kinds of hosts the platform gives.
const (
	HostCanonical HostKind = "canonical" // <account>.<region>.<base>
	HostAlias     HostKind = "alias"     // <account>.<base>, in the default region
)

// Hostname is one exact host, lower case and without port, and the tenant that answers there.
type Hostname struct {
	Host string
	Kind HostKind
}

// Hostnames gives where an account's tenant in a region answers, the canonical host first.
func (m Map) Hostnames(account Slug, r Region) []Hostname {
	hosts := []Hostname{{Host: m.canonical(account, r), Kind: HostCanonical}}
	if r == m.Default() {
		hosts = append(hosts, Hostname{Host: string(account) + "." + m.Base, Kind: HostAlias})
	}
	return hosts
}

func (m Map) canonical(account Slug, r Region) string {
	return strings.Join([]string{string(account), string(r), m.Base}, ".")
}

// Domain is the canonical host as it is shown: with the public port unless that is 443.
func (m Map) Domain(account Slug, r Region) string {
	host := m.canonical(account, r)
	if m.Port == 0 || m.Port == 443 {
		return host
	}
	return host + ":" + strconv.Itoa(m.Port)
}

// Issuer is the iss of the tenant's tokens at its canonical host.
func (m Map) Issuer(account Slug, r Region) string { return "https://" + m.Domain(account, r) + "/" }

// ManagementAudience is the identifier of the tenant's own Management API.
func (m Map) ManagementAudience(account Slug, r Region) string {
	return m.Issuer(account, r) + "api/v2/"
}
