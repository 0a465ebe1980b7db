// Racy shape: an exported field with an asserted lock, used from another package without it
package directives

import "cases/directives/shared"

func Fill(s *shared.State, rows []string) {
	for _, r := range rows {
		go func() {
			s.Rows[r]++ // want `high unguarded: update of State.Rows`
			s.Cols[r]++
		}()
	}
}
