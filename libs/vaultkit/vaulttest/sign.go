package vaulttest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// sign answers sign/<key>/<hash> for one input or a batch of them.
func (s *Server) sign(w http.ResponseWriter, k *key, in map[string]any) {
	asked, _ := in["key_version"].(float64)
	n := int(asked)
	one := func(input string) map[string]any {
		digest, err := base64.StdEncoding.DecodeString(input)
		switch {
		case err != nil || in["prehashed"] != true:
			return map[string]any{"error": "unable to decode input"}
		case s.refused[input]:
			return map[string]any{"error": "refused on demand"}
		case n < 1 || n > len(k.versions):
			return map[string]any{"error": "requested version for signing is higher than the latest key version"}
		}
		encoded, err := k.versions[n-1].sign(digest, text(in["signature_algorithm"]), text(in["marshaling_algorithm"]), text(in["salt_length"]))
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		claimed := n
		if s.version > 0 {
			claimed = s.version
		}
		return map[string]any{"signature": fmt.Sprintf("vault:v%d:%s", claimed, encoded), "key_version": n}
	}
	batch, ok := in["batch_input"].([]any)
	if !ok {
		res := one(text(in["input"]))
		if message := text(res["error"]); message != "" {
			fail(w, http.StatusInternalServerError, message) // as a real Vault does outside of batches
			return
		}
		reply(w, res)
		return
	}
	results := make([]map[string]any, len(batch))
	for i, item := range batch {
		fields, _ := item.(map[string]any)
		results[i] = one(text(fields["input"]))
	}
	reply(w, map[string]any{"batch_results": results})
}

func (v version) sign(digest []byte, algorithm, marshaling, salt string) (string, error) {
	switch {
	case v.ecdsa != nil && marshaling == "jws":
		r, sig, err := ecdsa.Sign(rand.Reader, v.ecdsa, digest)
		if err != nil {
			return "", err
		}
		raw := make([]byte, 64)
		r.FillBytes(raw[:32])
		sig.FillBytes(raw[32:])
		return base64.RawURLEncoding.EncodeToString(raw), nil
	case v.rsa != nil && algorithm == "pkcs1v15":
		raw, err := rsa.SignPKCS1v15(rand.Reader, v.rsa, hashOf(digest), digest)
		return base64.StdEncoding.EncodeToString(raw), err
	case v.rsa != nil:
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}
		if salt == "hash" {
			opts.SaltLength = rsa.PSSSaltLengthEqualsHash
		}
		raw, err := rsa.SignPSS(rand.Reader, v.rsa, crypto.SHA256, digest, opts)
		return base64.StdEncoding.EncodeToString(raw), err
	default:
		return "", errors.New("message signing not supported for this key")
	}
}

// hashOf tells the hash by its length.
func hashOf(digest []byte) crypto.Hash {
	if len(digest) == crypto.SHA512.Size() {
		return crypto.SHA512
	}
	return crypto.SHA256
}

func (k *key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k.versions[0].aes)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func (k *key) seal(plain []byte) (string, error) {
	if k.versions[0].aes == nil {
		return "", errors.New("encryption not supported for this key")
	}
	return "vault:v1:" + base64.StdEncoding.EncodeToString(k.aead().Seal(nil, nil, plain, nil)), nil //nolint:gosec // the cipher draws a nonce itself
}

func (k *key) open(wrapped string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(wrapped, "vault:v1:"))
	if err != nil || k.versions[0].aes == nil {
		return "", errors.New("invalid ciphertext")
	}
	plain, err := k.aead().Open(nil, nil, raw, nil)
	if err != nil {
		return "", errors.New("invalid ciphertext: unable to decrypt")
	}
	return base64.StdEncoding.EncodeToString(plain), nil
}

func rand32() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}
