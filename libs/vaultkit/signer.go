package vaultkit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-id/postern/libs/fault"
)

// Alg is a JWS algorithm that Vault signs with (RFC 7518 §3.1).
type Alg string

// The algorithms; the number is that of the hash (SHA-2).
const (
	RS256 Alg = "RS256" // RSASSA-PKCS1-v1_5 (RFC 7518 §3.3)
	RS512 Alg = "RS512" // RSASSA-PKCS1-v1_5 (RFC 7518 §3.3)
	ES256 Alg = "ES256" // ECDSA on P-256, r and s side by side (RFC 7518 §3.4)
	PS256 Alg = "PS256" // RSASSA-PSS, salt as long as the hash (RFC 7518 §3.5)
)

const (
	typeRSA  = "rsa-2048"
	typeP256 = "ecdsa-p256"
	// lengths of the signatures, by which one of another algorithm is told
	rsaBytes  = 2048 / 8
	p256Bytes = 2 * 256 / 8
)

// KeyRef names what signs: exactly one version of one key.
type KeyRef struct {
	Key     string // the transit key's name
	Version int    // from 1; never "the latest"
	Alg     Alg
}

// SignUnbatched makes one JWS signature (raw, as RFC 7515 §5.1 encodes it) of input with a call of its own. Batcher.Sign does
// the same for many callers at a fraction of the cost.
func (c *Client) SignUnbatched(ctx context.Context, ref KeyRef, input []byte) ([]byte, error) {
	if err := ref.validate(); err != nil {
		return nil, err
	}
	digest := ref.Alg.digest(input)
	body := ref.appendParams(make([]byte, 0, 256))
	body = append(body, `,"input":"`...)
	body = base64.StdEncoding.AppendEncode(body, digest.bytes())
	body = append(body, `"}`...)

	var answer struct {
		Data signature `json:"data"`
	}
	if err := c.callSign(ctx, ref, body, &answer); err != nil {
		return nil, err
	}
	return ref.decode(answer.Data)
}

// signBatch signs all digests with one call. Each gets its own outcome; the error is for all of them.
func (c *Client) signBatch(ctx context.Context, ref KeyRef, digests []digest) ([]signature, error) {
	body := ref.appendParams(make([]byte, 0, 160+len(digests)*64))
	body = append(body, `,"batch_input":[`...)
	for i := range digests {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"input":"`...)
		body = base64.StdEncoding.AppendEncode(body, digests[i].bytes())
		body = append(body, `"}`...)
	}
	body = append(body, "]}"...)

	var answer struct {
		Data struct {
			Results []signature `json:"batch_results"`
		} `json:"data"`
	}
	answer.Data.Results = make([]signature, 0, len(digests))
	if err := c.callSign(ctx, ref, body, &answer); err != nil {
		return nil, err
	}
	if got := len(answer.Data.Results); got != len(digests) {
		return nil, fault.Internal(fmt.Errorf("vault answered %d signatures to %d inputs", got, len(digests)))
	}
	return answer.Data.Results, nil
}

// callSign posts body as it is and decodes the answer into its own type: vault/api's maps of any would cost more than the
// encoding of all else here.
func (c *Client) callSign(ctx context.Context, ref KeyRef, body []byte, answer any) error {
	return c.do(ctx, "Sign", func(ctx context.Context) error {
		res, err := c.vault.Logical().WriteRawWithContext(ctx, c.path("sign", ref.Key, ref.Alg.hash()), body)
		if res != nil {
			defer func() { _ = res.Body.Close() }()
		}
		if err != nil {
			return err
		}
		buf := bytes.NewBuffer(make([]byte, 0, max(res.ContentLength, 512)+bytes.MinRead))
		if _, err := buf.ReadFrom(res.Body); err != nil {
			return fmt.Errorf("reading signatures: %w", err)
		}
		return json.Unmarshal(buf.Bytes(), answer)
	})
}

// signature is one outcome, alone or in a batch.
type signature struct {
	Signature string `json:"signature"`
	Error     string `json:"error"`
}

func (a Alg) keyType() (string, error) {
	switch a {
	case RS256, RS512, PS256:
		return typeRSA, nil
	case ES256:
		return typeP256, nil
	default:
		return "", fault.Internal(fmt.Errorf("no key type for algorithm %q", string(a)))
	}
}

// digest is the hash of what is signed, by the algorithm's own hash.
type digest struct {
	sum [sha512.Size]byte
	n   int
}

func (d *digest) bytes() []byte { return d.sum[:d.n] }

func (a Alg) digest(input []byte) (d digest) {
	if a == RS512 {
		d.sum, d.n = sha512.Sum512(input), sha512.Size
		return d
	}
	sum := sha256.Sum256(input)
	d.n = copy(d.sum[:], sum[:])
	return d
}

// hash is how Vault calls the algorithm's hash.
func (a Alg) hash() string {
	if a == RS512 {
		return "sha2-512"
	}
	return "sha2-256"
}

func (r KeyRef) validate() error {
	if _, err := r.Alg.keyType(); err != nil {
		return err
	}
	if r.Key == "" || r.Version < 1 {
		return fault.Internal(fmt.Errorf("signing needs a key and its version, got %q version %d", r.Key, r.Version))
	}
	return nil
}

// appendParams opens the JSON object of a sign call. The input is hashed here, so that Vault gets a digest of a token and not all of it.
func (r KeyRef) appendParams(b []byte) []byte {
	b = append(b, `{"prehashed":true,"key_version":`...)
	b = strconv.AppendInt(b, int64(r.Version), 10)
	switch r.Alg {
	case RS256, RS512:
		b = append(b, `,"signature_algorithm":"pkcs1v15"`...)
	case PS256:
		b = append(b, `,"signature_algorithm":"pss","salt_length":"hash"`...)
	case ES256:
		b = append(b, `,"marshaling_algorithm":"jws"`...)
	}
	return b
}

// decode gives the raw signature out of "vault:v<version>:<base64>". One by another version, or of another algorithm's length, is
// refused: whoever verifies would look under the wrong key.
func (r KeyRef) decode(s signature) ([]byte, error) {
	if s.Error != "" {
		return nil, fault.Internal(fmt.Errorf("vault refused to sign: %s", s.Error))
	}
	version, encoded, ok := strings.Cut(strings.TrimPrefix(s.Signature, "vault:v"), ":")
	if !ok || version != strconv.Itoa(r.Version) {
		return nil, fault.Internal(fmt.Errorf("vault signed with version %q of %s, want %d", version, r.Key, r.Version))
	}
	encoding, length := base64.StdEncoding, rsaBytes
	if r.Alg == ES256 {
		encoding, length = base64.RawURLEncoding, p256Bytes
	}
	raw, err := encoding.DecodeString(encoded)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("decoding a signature of vault: %w", err))
	}
	if len(raw) != length {
		return nil, fault.Internal(errors.New("vault's signature has the length of another algorithm: " + strconv.Itoa(len(raw)) + " bytes for " + string(r.Alg)))
	}
	return raw, nil
}
