# A policy of ours for the questions that Writ asks of OPA: reading under the shared folder, by agents that a person's task reached
# in at most three steps, and never on behalf of somebody who is suspended.
package writ

default allow := false

allow if {
	reads
	input.depth <= 3
	not suspended
}

reads if {
	input.target.server == "files"
	input.operation == "tools/call"
	input.target.name in {"read_text_file", "list_directory"}
	startswith(input.arguments.values["/path"], data.shared)
}

suspended if input.root.sub in data.suspended

# What a careless author may write: no default, an object where a boolean is expected, and a list that no memory holds.
undefined_for_most if input.target.name == "nothing"

as_object := {"allow": true}

too_much if count(numbers.range(1, 100000000)) > input.depth
