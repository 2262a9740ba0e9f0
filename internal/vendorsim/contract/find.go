package contract

// With is a handler that gives h the record that find finds. The zero E is no refusal.
func With[C, R, A any, E comparable](find func(C) (R, E), h func(C, R) (A, E)) func(C) (A, E) {
	return func(c C) (answer A, refusal E) {
		var accepted E
		r, refusal := find(c)
		if refusal != accepted {
			return answer, refusal
		}
		return h(c, r)
	}
}

// Within is [With] for a record in one of many tables: find finds the table, too.
func Within[C, T, R, A any, E comparable](find func(C) (T, R, E), h func(C, T, R) (A, E)) func(C) (A, E) {
	return func(c C) (answer A, refusal E) {
		var accepted E
		t, r, refusal := find(c)
		if refusal != accepted {
			return answer, refusal
		}
		return h(c, t, r)
	}
}
