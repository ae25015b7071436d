// Decrypts what sops encrypted, with the keys that it is given. It reads one request from its standard input and writes one
// answer to its standard output. It opens no file, reads no variable and calls no host: a data key that a service wrapped
// (Vault, a KMS) is named in the answer, and whoever runs this asks again with what the service said.
package main

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	"github.com/getsops/sops/v3/logging"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
)

type request struct {
	// Private keys: age identities, one a line, and armored OpenPGP keys.
	Age []string `json:"age"`
	PGP []string `json:"pgp"`
	// What services said, by what they had wrapped.
	Unwrapped map[string][]byte `json:"unwrapped"`
	Files     []file            `json:"files"`
}

type file struct {
	Format string `json:"format"`
	Output string `json:"output"`
	Data   []byte `json:"data"`
	// Nothing was added, left out or moved since it was encrypted: its MAC must be right.
	IsWhole bool `json:"isWhole"`
}

type answer struct {
	// Set where a key can't be read: nothing was decrypted.
	BadKey *badKey  `json:"badKey,omitempty"`
	Files  []result `json:"files"`
}

type badKey struct {
	Kind  string `json:"kind"`
	Index int    `json:"index"`
	// It is protected by a passphrase.
	Locked bool `json:"locked"`
}

// No error of a library is in it: it may quote a value.
type result struct {
	Data []byte `json:"data,omitempty"`
	// plain: it has no metadata of sops. key: no key opens it. changed: it is not what was encrypted. clear: a value that
	// should be encrypted is not. malformed: it can't be read.
	Problem string    `json:"problem,omitempty"`
	Wrapped []wrapped `json:"wrapped,omitempty"`
}

// A data key, as one master key wrapped it.
type wrapped struct {
	Kind string `json:"kind"`
	// Of the master key; public.
	Name       string    `json:"name"`
	Ciphertext string    `json:"ciphertext"`
	Vault      *vault    `json:"vault,omitempty"`
	AWS        *awsKey   `json:"aws,omitempty"`
	Azure      *azureKey `json:"azure,omitempty"`
}

type vault struct {
	Address string `json:"address"`
	Engine  string `json:"engine"`
	Key     string `json:"key"`
}

type awsKey struct {
	ARN     string            `json:"arn"`
	Context map[string]string `json:"context,omitempty"`
}

type azureKey struct {
	Vault   string `json:"vault"`
	Key     string `json:"key"`
	Version string `json:"version"`
}

func main() {
	logging.SetLevel(logrus.PanicLevel) // some of what is logged is a part of the file
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		os.Exit(2)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answerTo(asked)); err != nil {
		os.Exit(3)
	}
}

func answerTo(asked request) answer {
	keys := &masterKeys{unwrapped: asked.Unwrapped}
	for i, text := range asked.Age {
		if err := keys.age.Import(text); err != nil {
			return answer{BadKey: &badKey{Kind: "age", Index: i}}
		}
	}
	for i, text := range asked.PGP {
		locked, err := keys.importPGP(text)
		if err != nil {
			return answer{BadKey: &badKey{Kind: "pgp", Index: i, Locked: locked}}
		}
	}
	said := answer{Files: make([]result, 0, len(asked.Files))}
	for _, f := range asked.Files {
		keys.wanted = nil
		data, problem := keys.decrypt(f)
		r := result{Data: data, Problem: problem}
		if problem == "key" {
			r.Wrapped = keys.wanted
		}
		said.Files = append(said.Files, r)
	}
	return said
}

// The key service of sops, for its library asks nobody else.
type masterKeys struct {
	age       age.ParsedIdentities
	pgp       openpgp.EntityList
	unwrapped map[string][]byte
	// What did not open the file at hand.
	wanted []wrapped
}

func (keys *masterKeys) importPGP(text string) (locked bool, err error) {
	rest := strings.NewReader(text)
	for found := false; ; found = true {
		block, err := armor.Decode(rest)
		if err == io.EOF && found {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		entities, err := openpgp.ReadKeyRing(block.Body)
		if err != nil {
			return false, err
		}
		for _, entity := range entities {
			if entity.PrivateKey != nil && entity.PrivateKey.Encrypted {
				return true, errors.New("locked")
			}
		}
		keys.pgp = append(keys.pgp, entities...)
	}
}

func (keys *masterKeys) decrypt(f file) (data []byte, problem string) {
	// Some files make the library panic.
	defer func() {
		if recover() != nil {
			data, problem = nil, "malformed"
		}
	}()
	store := common.StoreForFormat(formats.FormatFromString(f.Format), config.NewStoresConfig())
	tree, err := store.LoadEncryptedFile(f.Data)
	if errors.Is(err, sops.MetadataNotFound) {
		return nil, "plain"
	}
	if err != nil {
		return nil, "malformed"
	}
	dataKey, err := tree.Metadata.GetDataKeyWithKeyServices(
		[]keyservice.KeyServiceClient{keys}, sops.DefaultDecryptionOrder)
	if err != nil {
		return nil, "key"
	}
	cipher := aes.NewCipher()
	mac, err := tree.Decrypt(dataKey, cipher)
	if err != nil && strings.Contains(err.Error(), "does not match sops' data format") {
		return nil, "clear"
	}
	if err != nil || (f.IsWhole && !isMAC(mac, tree.Metadata, dataKey, cipher)) {
		return nil, "changed"
	}
	output := common.StoreForFormat(formats.FormatFromString(f.Output), config.NewStoresConfig())
	data, err = output.EmitPlainFile(tree.Branches)
	if err != nil {
		return nil, "malformed"
	}
	return data, ""
}

func isMAC(mac string, metadata sops.Metadata, dataKey []byte, cipher sops.Cipher) bool {
	original, err := cipher.Decrypt(
		metadata.MessageAuthenticationCode, dataKey, metadata.LastModified.Format(time.RFC3339))
	text, isText := original.(string)
	return err == nil && isText && subtle.ConstantTimeCompare([]byte(text), []byte(mac)) == 1
}

func (keys *masterKeys) Encrypt(
	context.Context, *keyservice.EncryptRequest, ...grpc.CallOption,
) (*keyservice.EncryptResponse, error) {
	return nil, errors.ErrUnsupported
}

func (keys *masterKeys) Decrypt(
	_ context.Context, asked *keyservice.DecryptRequest, _ ...grpc.CallOption,
) (*keyservice.DecryptResponse, error) {
	ciphertext := string(asked.Ciphertext)
	if plaintext, ok := keys.unwrapped[ciphertext]; ok {
		return &keyservice.DecryptResponse{Plaintext: plaintext}, nil
	}
	want := describe(asked.Key)
	want.Ciphertext = ciphertext
	var plaintext []byte
	err := errors.ErrUnsupported
	switch want.Kind {
	case "age":
		plaintext, err = keys.openAge(want.Name, ciphertext)
	case "pgp":
		plaintext, err = keys.openPGP(ciphertext)
	}
	if err != nil {
		keys.wanted = append(keys.wanted, want)
		return nil, err
	}
	return &keyservice.DecryptResponse{Plaintext: plaintext}, nil
}

func describe(key *keyservice.Key) wrapped {
	switch k := key.KeyType.(type) {
	case *keyservice.Key_AgeKey:
		return wrapped{Kind: "age", Name: k.AgeKey.Recipient}
	case *keyservice.Key_PgpKey:
		return wrapped{Kind: "pgp", Name: k.PgpKey.Fingerprint}
	case *keyservice.Key_VaultKey:
		v := k.VaultKey
		return wrapped{
			Kind:  "vault",
			Name:  v.VaultAddress + "/v1/" + v.EnginePath + "/keys/" + v.KeyName,
			Vault: &vault{Address: v.VaultAddress, Engine: v.EnginePath, Key: v.KeyName},
		}
	case *keyservice.Key_KmsKey:
		return wrapped{
			Kind: "aws",
			Name: k.KmsKey.Arn,
			AWS:  &awsKey{ARN: k.KmsKey.Arn, Context: k.KmsKey.Context},
		}
	case *keyservice.Key_GcpKmsKey:
		return wrapped{Kind: "gcp", Name: k.GcpKmsKey.ResourceId}
	case *keyservice.Key_AzureKeyvaultKey:
		v := k.AzureKeyvaultKey
		return wrapped{
			Kind:  "azure",
			Name:  v.VaultUrl + "/keys/" + v.Name,
			Azure: &azureKey{Vault: v.VaultUrl, Key: v.Name, Version: v.Version},
		}
	default:
		return wrapped{Kind: "other", Name: "a key of another service"}
	}
}

func (keys *masterKeys) openAge(recipient, ciphertext string) ([]byte, error) {
	if len(keys.age) == 0 {
		return nil, errors.New("no identity") // the library would search the disk for one
	}
	key := age.MasterKey{Recipient: recipient, EncryptedKey: ciphertext}
	keys.age.ApplyToMasterKey(&key)
	return key.Decrypt()
}

func (keys *masterKeys) openPGP(ciphertext string) ([]byte, error) {
	block, err := armor.Decode(bytes.NewBufferString(ciphertext))
	if err != nil {
		return nil, err
	}
	message, err := openpgp.ReadMessage(block.Body, keys.pgp, nil, nil)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(message.UnverifiedBody)
}
