# What test/interop/python-spiffe.interop.ts asks of the Python client. Every answer is a line of JSON on stdout.
import json
import sys

from spiffe import SpiffeId, TrustDomain, WorkloadApiClient, X509Source


def say(**members):
    print(json.dumps(members), flush=True)


def refused(ask):
    try:
        ask()
    except Exception as error:
        return type(error).__name__
    return None


def fetch(audience):
    with WorkloadApiClient() as client:
        svid = client.fetch_x509_svid()
        bundles = client.fetch_x509_bundles()
        own = bundles.get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
        token = client.fetch_jwt_svid({audience})
        checked = client.validate_jwt_svid(token.token, audience)
        jwt_bundle = client.fetch_jwt_bundles().get_bundle_for_trust_domain(svid.spiffe_id.trust_domain)
        say(
            id=str(svid.spiffe_id),
            chain=len(svid.cert_chain),
            roots=len(own.x509_authorities),
            token=str(token.spiffe_id),
            checked=str(checked.spiffe_id),
            keys=len(jwt_bundle.jwt_authorities),
            other=refused(lambda: client.validate_jwt_svid(token.token, "other")),
            subject=refused(lambda: client.fetch_jwt_svid({audience}, SpiffeId(f"{svid.spiffe_id}/x"))),
        )


def watch():
    with X509Source() as source:
        last = [None]

        def tell():
            svid = source.svid
            if svid.leaf.serial_number != last[0]:
                last[0] = svid.leaf.serial_number
                domain = TrustDomain(str(svid.spiffe_id.trust_domain))
                say(id=str(svid.spiffe_id), serial=str(last[0]), roots=len(source.get_bundle_for_trust_domain(domain).x509_authorities))

        tell()
        source.subscribe_for_updates(tell)
        sys.stdin.read()


if sys.argv[1] == "fetch":
    fetch(sys.argv[2])
else:
    watch()
