package httpserve

import "time"

// Patience has the time limits for clients.
type Patience struct {
	Head     time.Duration // for the head of a request
	Silence  time.Duration // between two parts of a body
	Body     time.Duration // for all of a body
	Room     time.Duration // until there is memory for a long body
	Take     time.Duration // until a client has received one message
	Idle     time.Duration // between two requests
	Linger   time.Duration // for data that arrives after a refusal
	Newcomer time.Duration // for a request while another connection waits
	Known    time.Duration // for the next request of a client with a valid token while another connection waits
	Turn     time.Duration // for a waiting connection while the others of its peer are served
	Retry    time.Duration // between two attempts if the system lacks a resource
}

// DefaultPatience returns limits for clients anywhere on the internet.
func DefaultPatience() *Patience {
	return &Patience{
		Head: 10 * time.Second, Silence: 10 * time.Second, Body: time.Minute, Room: 10 * time.Second,
		Take: 30 * time.Second, Idle: 2 * time.Minute, Linger: time.Second,
		Newcomer: time.Second, Known: 5 * time.Second, Turn: 10 * time.Second, Retry: 10 * time.Millisecond,
	}
}
