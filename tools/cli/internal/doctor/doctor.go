package doctor

import (
	"cmp"
	"slices"
	"time"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // an attacker gains by it, or a login cannot work
	Warning Severity = "warning" // it works, and is wider or older than it should be
	Note    Severity = "note"    // worth a look
)

// Finding is one misconfiguration.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Property string   `json:"property"` // as the Management API spells it
	Why      string   `json:"why"`
	Remedy   string   `json:"remedy"`
}

// Case is one client with what belongs to it.
type Case struct {
	Client      Client
	Production  bool         // the tenant's domain is no development host
	Grants      []Grant      // its client grants, and those that stand in for it
	Connections []Connection // by which its users may log in
	Credentials []Credential
	Now         time.Time
}

// place is where a rule found something, and why it matters there.
type place struct {
	property string // empty: the rule's own
	why      string
}

// rule is one misconfiguration: judge gives each place where it is found.
type rule struct {
	code         string
	severity     Severity
	inProduction Severity // when not empty: the severity at a domain that is no development host
	property     string   // empty: the one of each place
	remedy       string
	judge        func(Case) []place
}

var rules = slices.Concat(urlRules, grantRules, secretRules, tokenRules, connectionRules)

// Examine gives the findings in the order of the rules. The tenant's global client is nobody's application and has none.
func Examine(c Case) []Finding {
	out := []Finding{}
	if c.Client.Global {
		return out
	}
	for _, r := range rules {
		severity := r.severity
		if r.inProduction != "" && c.Production {
			severity = r.inProduction
		}
		for _, at := range r.judge(c) {
			out = append(out, Finding{Code: r.code, Severity: severity, Property: cmp.Or(at.property, r.property), Why: at.why, Remedy: r.remedy})
		}
	}
	return out
}

// Codes gives the codes of all rules, in their order.
func Codes() []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.code)
	}
	return out
}

// Ill says whether one of the findings is an error.
func Ill(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// when makes a judge of a condition with one sentence.
func when(holds func(Case) bool, why string) func(Case) []place {
	return func(c Case) []place {
		if !holds(c) {
			return nil
		}
		return []place{{why: why}}
	}
}
