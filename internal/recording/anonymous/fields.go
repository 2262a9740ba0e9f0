package anonymous

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// normal is the name of a field without what different writers write differently.
func normal(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r >= 0x80:
			return r
		}
		return -1
	}, name)
}

// What fields are called. A name counts if it ends with one of these words, which are normal.
var (
	fieldSecrets = []string{
		"password", "passwd", "passphrase", "secret", "token", "apikey", "accesskey", "privatekey", "secretkey", "signingkey", "authkey", "credential", "credentials",
		"authorization", "cookie", "sessionid", "session", "signature", "jwt", "bearer", "otp", "cvv", "cvc", "licensekey", "accesskeyid", "clientsecret", "apitoken",
	}
	fieldExactSecrets = []string{"sig", "pin", "pass", "pwd", "auth"}
	fieldEmails       = []string{"email", "emailaddress", "mail", "emails"}
	fieldPhones       = []string{"phone", "phonenumber", "mobile", "mobilenumber", "cellphone", "telephone", "fax", "faxnumber", "whatsapp", "phones", "phonenumbers"}
	fieldNames        = []string{
		"firstname", "lastname", "fullname", "givenname", "familyname", "middlename", "surname", "forename", "nickname", "displayname", "realname", "maidenname", "legalname",
		"contactname", "customername", "authorname", "ownername", "candidatename", "employeename", "recipientname", "sendername", "patientname", "guestname", "cardholder", "accountholder",
	}
	fieldUsers = []string{"username", "userlogin", "screenname", "loginname"}
	// Exact ones hold a name where they are text, and make what is in them a person.
	fieldPeople = []string{
		"user", "author", "assignee", "owner", "reporter", "requester", "creator", "createdby", "updatedby", "modifiedby", "deletedby", "sender", "recipient", "contact", "candidate", "employee",
		"person", "member", "attendee", "participant", "applicant", "manager", "interviewer", "recruiter", "customer", "patient", "guest", "submitter", "approver", "reviewer", "assignedto",
		"people", "users", "authors", "assignees", "owners", "contacts", "candidates", "employees", "persons", "members", "attendees", "participants", "applicants", "managers", "recipients", "reviewers", "login", "handle", "hiringmanager", "creditedto", "actor", "profile",
	}
	fieldAddresses = []string{"street", "streetaddress", "address", "address1", "address2", "addressline1", "addressline2", "postaladdress", "homeaddress", "zip", "zipcode", "postcode", "postalcode"}
	fieldBirths    = []string{"birthday", "birthdate", "dateofbirth", "dob", "birth"}
	fieldNumbers   = []string{"ssn", "socialsecuritynumber", "passport", "passportnumber", "taxid", "nationalid", "iban", "accountnumber", "cardnumber", "licensenumber", "driverslicense"}
	fieldPlaces    = []string{"latitude", "longitude", "lat", "lng", "lon"}
	fieldIPs       = []string{"ip", "ipaddress", "remoteaddr", "clientip"}
	fieldLinks     = []string{"avatar", "avatarurl", "photo", "photourl", "pictureurl", "picture", "profileurl", "profilephoto", "linkedin", "linkedinurl", "twitter", "facebook", "instagram", "skype"}
)

func ends(name string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasSuffix(name, word) })
}

// kindOf is the kind of the values that a field has by its name, "" if it may have any. Above are the
// names of the fields that hold it.
func (w *walker) kindOf(name string, above []string) string {
	name = normal(name)
	switch {
	case name == "" || w.keep[name]:
		return ""
	case ends(name, fieldSecrets) || slices.Contains(fieldExactSecrets, name):
		return kindToken
	case ends(name, fieldEmails):
		return kindEmail
	case ends(name, fieldPhones):
		return kindPhone
	case ends(name, fieldNames):
		return kindName
	case ends(name, fieldUsers):
		return kindUser
	case slices.Contains(fieldPeople, name):
		return kindName
	case ends(name, fieldBirths):
		return kindBirth
	case ends(name, fieldNumbers):
		return kindNumber
	case slices.Contains(fieldAddresses, name):
		return kindAddress
	case slices.Contains(fieldPlaces, name):
		return kindPlace
	case slices.Contains(fieldIPs, name):
		return kindIP
	case ends(name, fieldLinks):
		return kindLink
	case name == "name" || name == "names":
		return kindName
	case slices.Contains([]string{"value", "label", "title"}, name) && len(above) > 0 && !isPeople(above[len(above)-1]):
		// {"email": {"value": ...}} and the elements of a list of them.
		return w.kindOf(above[len(above)-1], nil)
	}
	return ""
}

func isPeople(name string) bool { return slices.Contains(fieldPeople, normal(name)) }

// isPerson says that an object is a person by where it is and what it has.
func isPerson(above, fields []string) bool {
	if len(above) > 0 && isPeople(above[len(above)-1]) {
		return true
	}
	return slices.ContainsFunc(fields, func(f string) bool {
		f = normal(f)
		return strings.Contains(f, "email") || ends(f, fieldPhones) || ends(f, fieldUsers) || strings.HasSuffix(f, "firstname") || strings.HasSuffix(f, "lastname") || ends(f, fieldLinks)
	})
}

// json replaces in a JSON text.
func (w *walker) json(raw []byte) []byte {
	if len(raw) == 0 || !rawjson.Valid(raw) {
		return raw
	}
	return w.value(nil, rawjson.Trim(raw), nil, "", false)
}

// value appends a JSON value. Kind is that of its field. Person says that its object is one.
func (w *walker) value(out, raw []byte, above []string, kind string, person bool) []byte {
	switch rawjson.KindOf(raw) {
	case rawjson.Object:
		return w.object(out, raw, above)
	case rawjson.Array:
		out = append(out, '[')
		first := true
		for element := range rawjson.Elements(raw) {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = w.value(out, element, above, kind, person)
		}
		return append(out, ']')
	case rawjson.String:
		before := rawjson.Unquote(raw)
		var after string
		switch {
		case before == "":
			return append(out, raw...)
		case kind == kindName && len(above) > 0 && normal(above[len(above)-1]) == "name":
			after = w.name(before, person)
		case kind != "":
			after = w.whole(kind, before)
		default:
			after = w.text(before, 0)
		}
		if after == before {
			return append(out, raw...)
		}
		return append(out, quoted(after)...)
	case rawjson.Number:
		switch kind {
		case kindPlace:
			w.values.of(kind, string(raw), false)
			return append(out, '0')
		case "", kindName, kindUser, kindLink:
			if len(raw) >= 13 && luhn(string(raw)) {
				return append(out, w.values.of(kindNumber, string(raw), true)...)
			}
		default:
			if strings.Trim(string(raw), "0123456789") == "" {
				return append(out, w.values.of(kindNumber, string(raw), len(raw) >= 6)...)
			}
		}
	}
	return append(out, raw...)
}

func (w *walker) object(out, raw []byte, above []string) []byte {
	var fields []string
	for name := range rawjson.Members(raw) {
		fields = append(fields, rawjson.Unquote(name))
	}
	person := isPerson(above, fields)
	out = append(out, '{')
	first := true
	for name, value := range rawjson.Members(raw) {
		if !first {
			out = append(out, ',')
		}
		first = false
		field := rawjson.Unquote(name)
		if replaced := w.key(field); replaced != field {
			name = quoted(replaced)
		}
		out = append(append(out, name...), ':')
		if w.keep[normal(field)] {
			out = append(out, value...)
			continue
		}
		out = w.value(out, value, append(above[:len(above):len(above)], field), w.kindOf(field, above), person)
	}
	return append(out, '}')
}

// key replaces the name of a member that is itself a value, such as an address in a map by address.
func (w *walker) key(name string) string {
	if normal(name) == name || len(name) < 6 {
		return name // a word
	}
	return w.text(name, maxLayers)
}

// name replaces what a field has that is called name: of a person, or of anything.
func (w *walker) name(value string, person bool) string {
	if w.known[strings.ToLower(value)] && !person {
		return value // such as open, of a status that the connector knows
	}
	return w.person(kindName, value, person || looksLikeName(value), person)
}

// whole replaces a value by the kind of its field.
func (w *walker) whole(kind, value string) string {
	switch kind {
	case kindName, kindUser:
		if uuid.MatchString(value) || !hasLetter(value) {
			return w.text(value, 0) // the id of a person
		}
		return w.person(kind, value, true, true)
	case kindEmail, kindIP:
		if after := w.text(value, 0); after != value {
			return after
		}
	case kindToken:
		if uuid.MatchString(value) {
			kind = kindUUID
		} else if jwt.FindString(value) == value {
			kind = kindJWT
		} else if inner := w.text(value, 0); inner != value && strings.ContainsAny(value, "{[ ") {
			return inner
		}
	}
	return w.values.of(kind, value, w.spreads(value))
}

// person replaces a name. Its parts are the same person where it is surely one.
func (w *walker) person(kind, value string, everywhere, parts bool) string {
	if address := email.FindString(value); address != "" {
		return w.text(value, 0)
	}
	if kind == kindName && !strings.Contains(value, " ") && strings.ToLower(value) == value {
		kind = kindUser
	}
	replacement := w.values.of(kind, value, everywhere && w.spreads(value))
	if !parts || !strings.Contains(value, " ") {
		return replacement
	}
	for word := range words(value) {
		part := value[word.start:word.end]
		if part != strings.ToLower(part) && len(part) >= 3 && w.spreads(part) {
			w.values.alias(part, replacement)
		}
	}
	return replacement
}

// spreads says that a value is replaced in texts too: that it is no word that everybody may read, nor
// one so short that it is in the middle of others.
func (w *walker) spreads(value string) bool {
	if len(value) < 3 || w.known[strings.ToLower(value)] {
		return false
	}
	return len(value) >= 6 || value != strings.ToLower(value) || mixed(value)
}
