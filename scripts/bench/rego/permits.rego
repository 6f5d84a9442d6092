# The policies of `cedar-worlds.ts` as a Rego author writes them: what differs from policy to policy is data, by agent and tool.
# permits.tar.gz is made from it: opa build -t wasm -e writ/bench/answer -o permits.tar.gz permits.rego
package writ.bench

answer := {"allow": allow, "reasons": reasons}

default allow := false

allow if {
	count(reasons) > 0
	not forbidden
}

forbidden if input.depth > 4

forbidden if {
	input.secondOfDay < 3600
	input.risk >= 4
}

reasons contains permit.id if {
	some permit in data.byAgent[input.agent][input.tool]
	input.amount <= permit.limit
	not permit.without in input.via
}

reasons contains permit.id if {
	some class in input.classes
	some permit in data.byClass[class][input.server]
	permit.scope in input.scopes
}
