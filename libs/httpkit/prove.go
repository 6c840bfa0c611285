package httpkit

import (
	"net/textproto"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/postern-id/postern/libs/tenancy"
)

// tenantHeader is tenancy.Header as http.Header spells its keys.
var tenantHeader = textproto.CanonicalMIMEHeaderKey(tenancy.Header)

// maxProofs bounds the memory of the proofs that were seen lately; one takes about a kilobyte.
const maxProofs = 1 << 12

// proofs checks what proves a tenant, and remembers what held: the router says the same of a host for half a minute. A header that is
// not known byte for byte is checked.
type proofs struct {
	seal *tenancy.Seal
	kept *lru.Cache[string, tenancy.Proof]
}

func newProofs(seal *tenancy.Seal) *proofs {
	kept, err := lru.New[string, tenancy.Proof](maxProofs)
	if err != nil {
		panic(err) // a size below one: programmer error at start-up
	}
	return &proofs{seal, kept}
}

// open gives the tenant that the headers prove; there is one header, or nobody is proved.
func (p *proofs) open(headers []string) (t tenancy.Tenant, ok bool) {
	if len(headers) != 1 {
		return tenancy.Tenant{}, false
	}
	if known, seen := p.kept.Get(headers[0]); seen && p.seal.Holds(known) {
		return known.Tenant, true
	}
	proof, ok := p.seal.Check(headers[0])
	if ok && proof.Tenant.Certificates == "" { // with one it is this request's alone
		p.kept.Add(headers[0], proof)
	}
	return proof.Tenant, ok
}
