"""The Python reference of AIP and pymacaroons, asked one question a line: JSON in, JSON out. Used as their documentation says."""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pymacaroons import Macaroon, Verifier

from aip_core.crypto import KeyPair
from aip_core.document import IdentityDocument
from aip_core.identity import AipId
from aip_token.chained import ChainedToken
from aip_token.claims import AipClaims
from aip_token.compact import CompactToken
from aip_token.error import TokenError
from aip_token.jwt_chain import JwtChain


def pair(seed):
    return KeyPair(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)))


def name(keys):
    return "aip:key:ed25519:" + keys.public_key_multibase()


def mint_chained(ask):
    root = pair(ask["root"])
    token = ChainedToken.create_authority(
        name(root), ask["scopes"], ask.get("budget"), ask["depth"], ask["ttl"], root,
        principal=ask.get("principal"), domains=ask.get("domains"),
    )
    holder = root
    for hop in ask["hops"]:
        delegate = pair(hop["to"])
        token = token.delegate(
            name(holder), name(delegate), hop["scopes"], hop.get("budget"), hop["context"], domains=hop.get("domains"),
        )
        holder = delegate
    return token.to_base64()


def verify_chained(ask):
    root = bytes.fromhex(ask["root"])
    ChainedToken.from_base64(ask["token"], root).authorize(ask["tool"], root, ask.get("domain"))


def mint_jwt_chain(ask):
    root = pair(ask["root"])
    first = pair(ask["holder"])
    chain = JwtChain.create_root(
        issuer=name(root), delegate=name(first), tools=ask["scopes"], max_depth=ask["depth"], ttl_seconds=ask["ttl"],
        issuer_keypair=root, holder_public_key=first.public_key_bytes(), budget_cents=ask.get("budget"),
        domains=ask.get("domains"), principal=ask.get("principal"),
    )
    holder = first
    for hop in ask["hops"]:
        delegate = pair(hop["to"])
        chain = chain.append(
            holder_keypair=holder, delegate=name(delegate), next_holder_public_key=delegate.public_key_bytes(),
            context=hop["context"], tools=hop["scopes"], budget_cents=hop.get("budget"), domains=hop.get("domains"),
        )
        holder = delegate
    return chain.serialize()


def verify_jwt_chain(ask):
    JwtChain.verify(ask["token"], bytes.fromhex(ask["root"])).authorize(ask["tool"], ask.get("domain"))


def mint_compact(ask):
    root = pair(ask["root"])
    claims = AipClaims(
        iss=name(root), sub=name(pair(ask["holder"])), scope=ask["scopes"], budget_usd=ask.get("usd"),
        max_depth=ask["depth"], iat=ask["iat"], exp=ask["exp"],
    )
    return CompactToken.create(claims, root)


def verify_compact(ask):
    token = CompactToken.verify(ask["token"], bytes.fromhex(ask["root"]))
    if not token.has_scope(ask["tool"]):
        raise TokenError.scope_insufficient(ask["tool"])


def verify_document(ask):
    document = IdentityDocument.from_json(ask["text"])
    document.check_version()
    document.verify_signature()


def parse_id(ask):
    return str(AipId.parse(ask["id"]))


def mint_macaroon(ask):
    macaroon = Macaroon(location=ask["location"], identifier=ask["id"], key=ask["secret"], version=ask["version"])
    for condition in ask["conditions"]:
        macaroon.add_first_party_caveat(condition)
    if ask.get("third"):
        macaroon.add_third_party_caveat("https://approver.example", ask["third"], "approval")
        discharge = Macaroon(location="https://approver.example", identifier="approval", key=ask["third"], version=ask["version"])
        return [macaroon.serialize(), macaroon.prepare_for_request(discharge).serialize()]
    return [macaroon.serialize()]


def verify_macaroon(ask):
    seen = []
    verifier = Verifier()
    verifier.satisfy_general(lambda condition: seen.append(condition) is None)
    root, *discharges = [Macaroon.deserialize(one) for one in ask["macaroons"]]
    if not verifier.verify(root, ask["secret"], discharges):
        raise ValueError("not genuine")
    return seen


ASKS = {one.__name__: one for one in (
    mint_macaroon, verify_macaroon, mint_chained, verify_chained, mint_jwt_chain, verify_jwt_chain, mint_compact, verify_compact, verify_document, parse_id,
)}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = {"ok": True, "value": ASKS[question["ask"]](question)}
    except TokenError as error:
        answer = {"ok": False, "code": error.wire_code, "says": str(error)}
    except Exception as error:  # what a library of others throws is an answer too
        answer = {"ok": False, "code": None, "says": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
