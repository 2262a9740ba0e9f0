package threats

// threat is something that somebody may try.
type threat struct{ id, attempt string }

// chapter is a part of the table.
type chapter struct {
	title   string
	threats []threat
}

// chapters are all threats that we know of. A letter stands for the chapter, and numbers
// are never given away twice.
var chapters = []chapter{
	{"Modules and the engine", []threat{
		{"E1", "A module makes the compiler emit code that reaches out of the sandbox."},
		{"E2", "A module makes the compiler emit code that computes something else than the module says."},
		{"E2b", "Modules that share a compilation cache get each other's types, or memory that is closed already."},
		{"E3", "A load or store at the very end of the largest memory crashes the engine."},
		{"E4", "A small module takes minutes or gigabytes to compile."},
		{"E5", "A module asks for a table or element segment that fills the host's memory."},
		{"E6", "Guest code never returns: in a loop, an initialiser, a bulk instruction, a call of the host."},
		{"E7", "A guest makes the host allocate, log, wait or draw random bytes without bound, by a length that it names or through WASI."},
		{"E8", "A call of a host function with bad pointers, or an answer of an odd shape, makes the host panic."},
		{"E9", "Pointers and lengths wrap around, lie at the end of memory, overlap, or go stale when memory grows."},
		{"E10", "Code runs before it may, from a start section or an initialiser, or hides in a custom section."},
		{"E11", "A call leaves something behind that the next one reads: memory, globals, tables, variables, an answer."},
		{"E12", "A guest opens files of the host: by a path, a link, an inherited descriptor."},
		{"E13", "Somebody changes, swaps or plants compiled code or declarations in the cache."},
		{"E14", "A table promises one thing in its manifest and does another, is doubled, huge or broken, or is built of a file that exhausts its reader."},
		{"E15", "A module gets the native code, the sections or the state of another one, because modules share code or a sealed entry is not its own."},
	}},
	{"Requests, addresses and answers", []threat{
		{"N1", "A redirect leads to another host, port, scheme, address or path than was declared."},
		{"N2", "A credential follows a redirect to elsewhere, in whatever header, parameter or body it travels."},
		{"N3", "A name is public when it is checked and private when it is dialled, or both in one answer."},
		{"N4", "A web page reaches the host's own listener through a name that it controls."},
		{"N5", "A private address in disguise: decimal, octal, hexadecimal, shortened, zoned, or inside an IPv6 address."},
		{"N6", "A request reaches a cloud's metadata service, which hands out credentials."},
		{"N7", "What is checked is not what is sent: another authority, an absolute URL, a path that is read in two ways."},
		{"N8", "A header ends the request early, frames another one, or belongs to the connection."},
		{"N9", "A guest sets, doubles or overrides the credential that the host adds."},
		{"N10", "A credential goes to a host whose name only looks like the vendor's."},
		{"N11", "A vendor's answer gives the credential back, in whatever encoding."},
		{"N12", "A small answer unpacks to a huge one."},
		{"N13", "An answer never ends: slow bodies, floods of headers, of interim answers, of silence."},
		{"N14", "The environment's proxy settings reroute requests."},
		{"N15", "A shortcut inside the host goes round the policy."},
		{"N16", "A guest carries data out through a place that it may reach, in the attacker's own account there."},
		{"N17", "A guest carries data out by names that are looked up, by length, by time, by log lines."},
		{"N18", "Two connections share one to the vendor, and with it an identity."},
		{"N19", "Cookies or cached answers of one connection reach another."},
		{"T2", "A vendor's answer names a place of its choice, which the host then asks, with the credential or inside the network."},
		{"N20", "A vendor makes many requests of one, by how it ends a stream or a connection."},
	}},
	{"Credentials", []threat{
		{"C1", "An error, log line, trace, metric, panic or recording holds a credential."},
		{"C2", "A credential is printed, marshalled or compared by accident."},
		{"C3", "The name of a credential reads another one: by a pattern, a path, a control character, a look-alike."},
		{"C4", "Two refreshes of one token race, or a crash loses the token that a refresh brought."},
		{"C5", "The callback of a login is forged, stolen or aimed at another issuer."},
		{"C6", "A token that a caller sent to the host is passed on to a vendor."},
		{"C7", "A connection is removed, and its credential goes on working."},
		{"C8", "A credential lands on disk in the clear: in a cache, in swap, in a core file."},
		{"C9", "Somebody who can write to the store swaps or rolls back entries."},
		{"C10", "An update of a connector inherits a grant that was given to its narrower predecessor."},
		{"C11", "A value of a connection moves a credential: to another host, port, scheme or path, or out of the vendor's domain."},
		{"C12", "A login or a token is used at another address than the one that it was given for."},
		{"C13", "The answer with a token names a server of its choice: elsewhere, in disguise, or that of another token."},
		{"C14", "A key that signs for tokens is a bomb, or shows in an error."},
	}},
	{"Agents, callers and supply", []threat{
		{"A1", "A connector's description gives orders to the model, or hides text in it."},
		{"A2", "A connector changes what it does after it was approved."},
		{"A3", "A connector takes the name of another one, or one that looks like it."},
		{"A4", "An agent grants itself more."},
		{"A5", "A vendor's data steers the model or the terminal that shows it."},
		{"A6", "Two readers of one JSON text disagree: by case, by a key that stands twice."},
		{"A7", "The policy reads a URL or a name in another way than what sends it."},
		{"A8", "A session's answers reach another session."},
		{"A8b", "A listener serves whoever connects."},
		{"A9", "A file that came from elsewhere makes the host run a command."},
		{"A10", "What surrounds a connector, such as a registry's labels, changes how it runs."},
		{"A11", "A signature is checked against the wrong identity, or an old signed version is served again."},
		{"A12", "A connector for an older ABI version gets round a policy of the newer one."},
		{"A13", "A name with a path in it writes elsewhere."},
		{"A14", "A connector asks a person for a secret."},
		{"A15", "An operation is allowed, and its arguments make it something that nobody meant."},
		{"A16", "A schema or pattern costs the host its memory or its time."},
		{"A17", "Fetching a connector makes the host reach a private place, or send a registry's credential elsewhere."},
		{"A18", "Playing a recording back carries out what the policy refused."},
		{"A19", "A registry, a mirror or a cache gives another thing than was agreed to: other bytes, another type, something endless, an older version."},
		{"D1", "A caller uses or learns of a connection that is another workspace's or subject's."},
	}},
	{"What is spent outside the sandbox", []threat{
		{"R1", "A number is a bomb."},
		{"R2", "A schema or a pattern is a bomb."},
		{"R3", "A message is made so that reading it takes time that grows faster than its length."},
		{"R4", "Memory fills with what was sent, before anything is refused."},
		{"R5", "A guest takes its memory as stack."},
		{"R6", "Guests that never end keep others from running."},
		{"R7", "The engine panics, or gets no memory."},
		{"R8", "What stands as a module is no file."},
		{"R9", "Strangers hold connections, and clients are kept out."},
		{"R10", "An id or a value comes back as another one."},
	}},
	{"The server", []threat{
		{"S1", "A token is forged, guessed, used after its time, or used for more than it permits."},
		{"S2", "A request is malformed, endless, or reads differently to two readers."},
		{"S3", "A header of a request chooses where a link of the answer leads, or whose request it is."},
		{"S4", "What a workspace gives reads a secret of the operator, or changes what the operator decides."},
		{"S5", "A text becomes part of a statement of the database."},
		{"S6", "A write that is sent again is carried out again."},
	}},
	{"The server's database", []threat{
		{"K1", "A caller reads or changes what another organization or workspace has, by its ids or names."},
		{"K2", "Somebody who can write to the database moves a sealed value to another workspace, connection or field, or has it sent to other origins."},
		{"K3", "The database's files, its log or a backup give a secret away."},
		{"K4", "A value is run as SQL, or is stored as another one."},
		{"K5", "A crash loses a change that was acknowledged, or leaves half of one."},
		{"K6", "Two servers write to one database, or one that was late replaces a newer token."},
		{"K7", "Somebody who can write to the database brings back an older value of the same place."},
		{"K8", "A change of what the server keeps has no record of who made it, or the record has a secret."},
		{"K9", "Somebody who can write to the database changes the module of a connector, or has one used that no operator approved."},
	}},
	{"Copies of records", []threat{
		{"Y1", "A file of copies that is damaged, cut, restored, of another workspace or mixed with another one answers a search wrongly."},
		{"Y2", "Processes that copy, search and remove at once, or are killed, damage copies or get a wrong answer."},
		{"Y3", "Copies are read from the disk without their key."},
		{"Y4", "What was removed is still in the file of copies, its log or its index."},
	}},
	{"Pages for people", []threat{
		{"D7", "A link to connect an account is stolen, sent to another person, used twice, or leads a browser elsewhere."},
		{"D8", "A page runs or hides what others wrote, is framed, or tells a secret."},
	}},
	{"Operating the server", []threat{
		{"O1", "What the server counts tells who uses it, or grows with what strangers ask."},
		{"O2", "What was deleted is still in the database."},
	}},
}

// untested says why a threat has no test.
var untested = map[string]string{
	"A9":  "does not apply: nothing in a connector or an answer names a command",
	"A12": "does not apply: there is one ABI version",
	"A14": "does not apply: a connector has no way to ask anybody anything",
	"K7":  "not defended: the older value was sealed for the same place; keep the database and its backups from people who may not use the credentials, and revoke at the vendor what should no longer work",
}
