// What test/interop/go-spiffe.interop.ts asks of go-spiffe, one subcommand a question. Every answer is a line of JSON on stdout.
package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func say(value any) {
	text, err := json.Marshal(value)
	check(err)
	fmt.Println(string(text))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	arguments := os.Args[2:]
	switch os.Args[1] {
	case "watch":
		watch(ctx)
	case "listen":
		listen(ctx, arguments[0])
	case "dial":
		dial(ctx, arguments[0], arguments[1], arguments[2:])
	case "jwt":
		jwt(ctx, arguments[0])
	case "vectors":
		vectors(arguments[0])
	case "fetch-bundle":
		fetchBundle(ctx, arguments[0], arguments[1], arguments[2])
	case "serve-bundle":
		serveBundle(arguments[0], arguments[1], arguments[2], arguments[3])
	default:
		check(fmt.Errorf("no such question: %s", os.Args[1]))
	}
}

// The present SVID and bundle at every change, until stdin ends.
type watcher struct{}

func (watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	svid := update.DefaultSVID()
	bundle, err := update.Bundles.GetX509BundleForTrustDomain(svid.ID.TrustDomain())
	check(err)
	_, _, verified := x509svid.Verify(svid.Certificates, bundle)
	serial := svid.Certificates[0].SerialNumber.Text(16)
	say(map[string]any{
		"id": svid.ID.String(), "serial": serial, "roots": len(bundle.X509Authorities()),
		"chain": len(svid.Certificates), "verified": verified == nil,
	})
}

func (watcher) OnX509ContextWatchError(err error) { say(map[string]any{"error": err.Error()}) }

func watch(ctx context.Context) {
	client, err := workloadapi.New(ctx)
	check(err)
	go func() { _ = client.WatchX509Context(ctx, watcher{}) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A server that lets one identity in and tells each caller who it is.
func listen(ctx context.Context, allowed string) {
	listener, err := spiffetls.Listen(ctx, "tcp", "127.0.0.1:0", tlsconfig.AuthorizeID(spiffeid.RequireFromString(allowed)))
	check(err)
	say(map[string]any{"address": listener.Addr().String()})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		say(map[string]any{"refused": err.Error()})
		return
	}
	peer, err := spiffetls.PeerIDFromConn(conn)
	check(err)
	say(map[string]any{"served": peer.String(), "line": strings.TrimSpace(line)})
	body := "hello " + peer.String()
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s", len(body), body)
}

// A caller that expects one identity; with two files more, under an SVID from files instead of the Workload API's.
func dial(ctx context.Context, address string, expected string, files []string) {
	authorizer := tlsconfig.AuthorizeID(spiffeid.RequireFromString(expected))
	mode := spiffetls.MTLSClient(authorizer)
	if len(files) == 3 {
		svid, err := x509svid.Load(files[0], files[1])
		check(err)
		bundle, err := x509bundle.Load(spiffeid.RequireFromString(expected).TrustDomain(), files[2])
		check(err)
		mode = spiffetls.MTLSClientWithRawConfig(authorizer, svid, bundle)
	}
	conn, err := spiffetls.DialWithMode(ctx, "tcp", address, mode)
	if err != nil {
		say(map[string]any{"refused": err.Error()})
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(conn, "GET /none HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n", address)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		say(map[string]any{"refused": err.Error()})
		return
	}
	say(map[string]any{"answered": strings.TrimSpace(line)})
}

// A token from the Workload API, checked here with the bundle, and by the Workload API itself.
func jwt(ctx context.Context, audience string) {
	svid, err := workloadapi.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience})
	check(err)
	bundles, err := workloadapi.FetchJWTBundles(ctx)
	check(err)
	here, err := jwtsvid.ParseAndValidate(svid.Marshal(), bundles, []string{audience})
	check(err)
	there, err := workloadapi.ValidateJWTSVID(ctx, svid.Marshal(), audience)
	check(err)
	_, other := jwtsvid.ParseAndValidate(svid.Marshal(), bundles, []string{"other"})
	_, otherThere := workloadapi.ValidateJWTSVID(ctx, svid.Marshal(), "other")
	say(map[string]any{
		"id": svid.ID.String(), "here": here.ID.String(), "there": there.ID.String(), "subject": there.Claims["sub"],
		"lives": int(time.Until(svid.Expiry).Seconds()), "otherHere": other == nil, "otherThere": otherThere == nil,
	})
}

// A bundle from an endpoint that is the named identity, under the roots of a file.
func fetchBundle(ctx context.Context, url string, endpoint string, roots string) {
	id := spiffeid.RequireFromString(endpoint)
	held, err := x509bundle.Load(id.TrustDomain(), roots)
	check(err)
	bundle, err := federation.FetchBundle(ctx, id.TrustDomain(), url, federation.WithSPIFFEAuth(held, id))
	if err != nil {
		say(map[string]any{"refused": err.Error()})
		return
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	say(map[string]any{
		"roots": len(bundle.X509Authorities()), "keys": len(bundle.JWTAuthorities()), "sequence": sequence, "hint": hint.Seconds(),
	})
}

// An endpoint with the library's own handler, under a certificate from files.
func serveBundle(domain string, document string, cert string, key string) {
	trustDomain := spiffeid.RequireTrustDomainFromString(domain)
	bundle, err := spiffebundle.Load(trustDomain, document)
	check(err)
	handler, err := federation.NewHandler(trustDomain, bundle)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	say(map[string]any{"address": listener.Addr().String()})
	go func() { check(http.ServeTLS(listener, handler, cert, key)) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// The vectors of test/vectors/spiffe: for each case, whether go-spiffe accepts it.
type vectorCase struct {
	Name  string
	Input string
	Chain []string
	Token string
	Text  string
}

func vectors(folder string) {
	say(map[string]any{"file": "ids.json", "accepted": accepted(folder, "ids.json", func(_ map[string]json.RawMessage, one vectorCase) bool {
		_, err := spiffeid.FromString(one.Input)
		return err == nil
	})})
	say(map[string]any{"file": "x509-svids.json", "accepted": accepted(folder, "x509-svids.json", acceptsChain)})
	say(map[string]any{"file": "jwt-svids.json", "accepted": accepted(folder, "jwt-svids.json", acceptsToken)})
	say(map[string]any{"file": "bundles.json", "accepted": accepted(folder, "bundles.json", func(_ map[string]json.RawMessage, one vectorCase) bool {
		_, err := spiffebundle.Parse(spiffeid.RequireTrustDomainFromString("our.test"), []byte(one.Text))
		return err == nil
	})})
}

func accepted(folder string, file string, accepts func(map[string]json.RawMessage, vectorCase) bool) map[string]bool {
	text, err := os.ReadFile(folder + "/" + file)
	check(err)
	var document map[string]json.RawMessage
	check(json.Unmarshal(text, &document))
	var cases []vectorCase
	check(json.Unmarshal(document["cases"], &cases))
	found := map[string]bool{}
	for _, one := range cases {
		found[one.Name] = accepts(document, one)
	}
	return found
}

func acceptsChain(document map[string]json.RawMessage, one vectorCase) bool {
	var root string
	var nowSeconds int64
	check(json.Unmarshal(document["root"], &root))
	check(json.Unmarshal(document["nowSeconds"], &nowSeconds))
	der, err := base64.StdEncoding.DecodeString(root)
	check(err)
	authority, err := x509.ParseCertificate(der)
	check(err)
	domain := spiffeid.RequireTrustDomainFromString("our.test")
	bundle := x509bundle.FromX509Authorities(domain, []*x509.Certificate{authority})
	var chain [][]byte
	for _, text := range one.Chain {
		der, err := base64.StdEncoding.DecodeString(text)
		check(err)
		chain = append(chain, der)
	}
	_, _, err = x509svid.ParseAndVerify(chain, bundle, x509svid.WithTime(time.Unix(nowSeconds, 0)))
	return err == nil
}

func acceptsToken(document map[string]json.RawMessage, one vectorCase) bool {
	var audience string
	var bundles map[string]json.RawMessage
	check(json.Unmarshal(document["audience"], &audience))
	check(json.Unmarshal(document["bundles"], &bundles))
	set := jwtbundle.NewSet()
	for name, text := range bundles {
		bundle, err := jwtbundle.Parse(spiffeid.RequireTrustDomainFromString(name), text)
		check(err)
		set.Add(bundle)
	}
	_, err := jwtsvid.ParseAndValidate(one.Token, set, []string{audience})
	return err == nil
}
