package contextstore

import "testing"

// BenchmarkSeal seals and opens a page.
func BenchmarkSeal(b *testing.B) {
	for name, key := range keys() {
		b.Run(name, func(b *testing.B) {
			s := ok(newSeal(b.Context(), key, "w1"))(b)
			var page, sealed [pageBytes]byte
			b.Run("close", func(b *testing.B) {
				for b.Loop() {
					s.close(&sealed, page[:], inFile, pageBytes)
				}
			})
			b.Run("open", func(b *testing.B) {
				for b.Loop() {
					page = sealed
					if !s.open(&page, inFile, pageBytes) {
						b.Fatal("it is not open")
					}
				}
			})
		})
	}
}
