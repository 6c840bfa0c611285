package token

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// ClaimsRequest names the claims that the client asks for one by one (OIDC Core §5.5).
type ClaimsRequest struct{ IDToken, Userinfo []string }

const (
	claimAuthTime = "auth_time"
	// maxClaims bounds how many claims a request names.
	maxClaims = 64
)

// readClaims reads a claims parameter. What is asked is a wish, essential or not (OIDC Core §5.5.1), and a value that a claim should have
// is no reason to give it, with two exceptions: who the user is, and how they log in.
func (r *Request) readClaims(param string) error {
	if param == "" {
		return nil
	}
	var sent map[string]map[string]any
	if err := json.Unmarshal([]byte(param), &sent); err != nil {
		return fault.Invalid(oauth.InvalidRequest, "Invalid claims").Because(err)
	}
	if len(sent["id_token"])+len(sent["userinfo"]) > maxClaims {
		return fault.Invalid(oauth.InvalidRequest, "Invalid claims").Because(errors.New("too many"))
	}
	for name := range sent["id_token"] {
		r.Claims.IDToken = append(r.Claims.IDToken, name)
	}
	for name := range sent["userinfo"] {
		r.Claims.Userinfo = append(r.Claims.Userinfo, name)
	}
	slices.Sort(r.Claims.IDToken)
	slices.Sort(r.Claims.Userinfo)
	if err := r.readSubject(sent["id_token"]["sub"]); err != nil {
		return err
	}
	return checkContext(sent["id_token"]["acr"])
}

// readSubject notes whom the client means: for nobody else is the answer (OIDC Core §3.1.2.2).
func (r *Request) readSubject(asked any) error {
	wish, _ := asked.(map[string]any)
	value, given := wish["value"]
	if !given {
		return nil
	}
	subject, ok := value.(string)
	if !ok || subject == "" {
		return fault.Invalid(oauth.InvalidRequest, "Invalid claims").Because(errors.New("the subject is no text"))
	}
	r.Subject = subject
	return nil
}

// checkContext refuses a request that has to be met by one of the authentication contexts it names: none is promised here, and anything
// else than a promise is a failed login (OIDC Core §5.5.1.1).
func checkContext(asked any) error {
	wish, _ := asked.(map[string]any)
	_, value := wish["value"]
	_, values := wish["values"]
	if wish["essential"] != true || !value && !values {
		return nil
	}
	return fault.Invalid(oauth.UnmetRequirements, "No authentication context of those asked for can be met")
}
