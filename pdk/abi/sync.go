package abi

// Sync says how a host keeps copies of an entity's records, so that they can be searched. Only
// Entity is required. Places are JSON Pointers: in a record, in the parameters of an operation, or
// in the meta of an answer. Operations are actions of the entity.
type Sync struct {
	Entity string `json:"entity"`
	// List is the action that lists the records; empty means list. It reads.
	List string `json:"list,omitempty"`
	// Params are parameters that List always gets.
	Params RawMessage `json:"params,omitempty"`
	// Each says that a list has only the records for one value of a parameter.
	Each *SyncEach `json:"each,omitempty"`
	// Key is where a record has what names it, a text or a number; empty means /id. With Each it
	// need only be unique in one list.
	Key string `json:"key,omitempty"`
	// Changes says how to ask for what changed. Without it, only a pass over everything tells.
	Changes *SyncChanges `json:"changes,omitempty"`
	// Deletions says how deleted records show, besides that a pass over everything lacks them.
	Deletions *SyncDeletions `json:"deletions,omitempty"`
	// Get is the action that gets one record; empty means get, where there is one whose only
	// required parameters are GetKey and that of Each. "-" means that no action does.
	Get string `json:"get,omitempty"`
	// GetKey is where the key goes in its parameters. Empty means the parameter that Get requires
	// besides that of Each, or id.
	GetKey string `json:"get_key,omitempty"`
	// Writes are operations that change a record of the entity, by their names: issues.update. Each
	// leads to its key, in an object with the call's params and its result's data: /params/id, or
	// /data/id. Without a Get, it leads to the value of Each. Operations of the entity with a
	// parameter of the name of GetKey need not be there, nor those that answer the record.
	Writes map[string]string `json:"writes,omitempty"`
	// IntervalSeconds is how long to wait between two passes; 0 means 300 with Changes and 3,600
	// without. FullSeconds is how long between two passes over everything; 0 means a day.
	IntervalSeconds int `json:"interval_seconds,omitempty"`
	FullSeconds     int `json:"full_seconds,omitempty"`
	// Text are the fields whose words can be found. Here and in the others below, a field is what
	// searches call it: title, or account.name for a member of an object.
	Text []string `json:"text,omitempty"`
	// Fields are the types of fields for filters and sorting: text, number, time, boolean, or any
	// for arrays and objects. Fields that List declares in its Result need not be there, unless they
	// are times without the format date-time.
	Fields map[string]string `json:"fields,omitempty"`
	// Index are fields that filters often name.
	Index []string `json:"index,omitempty"`
}

// SyncEach says for which values of a parameter an entity is listed: for Values, or for the keys of
// all records of another entity.
type SyncEach struct {
	// Param is where the value goes in the parameters of List: /object_type.
	Param  string   `json:"param"`
	Values []string `json:"values,omitempty"`
	// Of is an entity with a Sync.
	Of string `json:"of,omitempty"`
	// As is the member that a copy has the value in, where the record does not have that member.
	As string `json:"as,omitempty"`
	// Changed is a place in records of Of. Lists are read again where the value there changed, and all
	// lists only in a pass over everything.
	Changed string `json:"changed,omitempty"`
}

// SyncChanges says how to ask for the records that changed after a time, or after the last pass.
type SyncChanges struct {
	// Param is where the time or the token goes in the parameters of List: /updated_since.
	Param string `json:"param,omitempty"`
	// Params are further parameters of such a list, such as a filter that Param is in.
	Params RawMessage `json:"params,omitempty"`
	// Field is where a record has the time that Param compares. Without a Param, it only says which
	// records are the newest.
	Field string `json:"field,omitempty"`
	// Format is that of the time in Param: date-time, which is the default, date, epoch or
	// epoch_milliseconds.
	Format string `json:"format,omitempty"`
	// OverlapSeconds is how much earlier than the latest known change to ask; 0 means 60, and two
	// days for dates.
	OverlapSeconds int `json:"overlap_seconds,omitempty"`
	// Until is where the end of a range goes, for lists that want one, and MaxSeconds is the longest
	// range that they take.
	Until      string `json:"until,omitempty"`
	MaxSeconds int    `json:"max_seconds,omitempty"`
	// Start says that a pass over everything asks for what changed since this time, because there is
	// no list without Param. It is an RFC 3339 time.
	Start string `json:"start,omitempty"`
	// Token is where the meta of the last page has the value of Param for the next pass, for vendors
	// that count no time.
	Token string `json:"token,omitempty"`
}

// SyncDeletions says how deleted records show: as records in which Field is one of Values, or in a
// list of their own.
type SyncDeletions struct {
	// Field is a place in a record. Without Values, anything there but null, false and "" says that it
	// is deleted.
	Field  string       `json:"field,omitempty"`
	Values []RawMessage `json:"values,omitempty"`
	// List is the action that lists deleted records, which have their keys at Key; empty means as
	// others. Param is where the time of the pass before goes in its parameters.
	List  string `json:"list,omitempty"`
	Key   string `json:"key,omitempty"`
	Param string `json:"param,omitempty"`
}
