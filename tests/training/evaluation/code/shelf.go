package shop

import "errors"

// Count tells how many of a kind there are.
func Count(items []string, kind string) int {
	found := 0
	for _, item := range items {
		if item == kind {
			found++
		}
	}
	return found
}

func (s *Shelf) Label(size int) (string, error) {
	text := ""
	switch size {
	case 0:
		text = "empty"
	default:
		text = "full"
	}
	if s.closed {
		return "", errors.New("closed")
	}
	return text, nil
}
