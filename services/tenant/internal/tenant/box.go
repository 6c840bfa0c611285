package tenant

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"

	"github.com/postern-id/postern/libs/fault"
)

// A new tenant's management secret is made in its cell and shown once to whoever asked for the tenant, far away and perhaps much
// later. On the way it lies in the history of the workflow and in the control plane's database, neither of which may know it. So
// the asker's token is also the seed of a key pair: the public half travels with the operation, the cell seals the secret to it
// (HPKE, RFC 9180, base mode), and only a request that brings the token again can open it.

const boxLabel = "postern management secret v1"

// BoxKey gives the public key of the hand-over of one operation to the bearer of t.
func BoxKey(t Token, op OperationID) ([]byte, error) {
	private, err := boxPrivate(t, op)
	if err != nil {
		return nil, err
	}
	return private.PublicKey().Bytes(), nil
}

// SealBox encrypts secret so that only the token behind boxKey opens it. The same secret seals differently each time.
func SealBox(boxKey []byte, op OperationID, secret string) ([]byte, error) {
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(boxKey)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("reading the box key of %s: %w", op, err))
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), boxInfo(op), []byte(secret))
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("sealing the secret of %s: %w", op, err))
	}
	return sealed, nil
}

// OpenBox decrypts what SealBox made for t and op.
func OpenBox(t Token, op OperationID, sealed []byte) (string, error) {
	private, err := boxPrivate(t, op)
	if err != nil {
		return "", err
	}
	secret, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), boxInfo(op), sealed)
	if err != nil {
		return "", fault.Internal(fmt.Errorf("opening the secret of %s: %w", op, err))
	}
	return string(secret), nil
}

func boxPrivate(t Token, op OperationID) (hpke.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, []byte(t), []byte(op), boxLabel, 32)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("deriving a box key: %w", err))
	}
	private, err := hpke.DHKEM(ecdh.X25519()).DeriveKeyPair(seed)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("deriving a box key: %w", err))
	}
	return private, nil
}

func boxInfo(op OperationID) []byte { return []byte(boxLabel + "\x00" + string(op)) }
