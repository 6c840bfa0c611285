package edge

import (
	"net/textproto"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/route"
)

// canonicalHeader is tenancy.Header as http.Header spells its keys.
var canonicalHeader = textproto.CanonicalMIMEHeaderKey(tenancy.Header)

// maxProofs bounds the memory: beyond it, the host that was not asked for longest is proved anew. One takes about a kilobyte.
const maxProofs = 1 << 14

// proofs holds what was sealed for hosts lately. Safe for concurrent use.
type proofs struct {
	scheme string
	suffix string // ":8443", or empty for the scheme's own port
	public string // the same for the HTTPS port
	kept   *lru.Cache[string, kept]
}

// kept is a proof with the line of the directory that it was made from: another line, another proof.
type kept struct {
	entry route.Entry
	proof tenancy.Proof
}

func newProofs(scheme, suffix, public string) *proofs {
	cache, err := lru.New[string, kept](maxProofs)
	if err != nil {
		panic(err) // a size below one: programmer error at start-up
	}
	return &proofs{scheme: scheme, suffix: suffix, public: public, kept: cache}
}

// of proves the tenant of an entry at a host to its cell's services.
func (p *proofs) of(seal *tenancy.Seal, host string, entry route.Entry) (tenancy.Proof, error) {
	if k, ok := p.kept.Get(host); ok && k.entry == entry && seal.Young(k.proof) {
		return k.proof, nil
	}
	proof, err := seal.Prove(tenancy.Tenant{
		ID: entry.Tenant, Name: entry.Name, Region: entry.Region, Cell: entry.Cell,
		Host: host + p.public, Canonical: entry.Canonical + p.public, Base: p.scheme + "://" + host + p.suffix,
	})
	if err == nil {
		p.kept.Add(host, kept{entry, proof})
	}
	return proof, err
}
