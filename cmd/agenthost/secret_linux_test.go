package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal opens both ends of a new terminal: the keyboard and screen, and what a program
// has as its standard input.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// A secret that is typed does not show, and the terminal shows the next line again: also
// where the person gives up.
func TestTypedSecretDoesNotShow(t *testing.T) {
	for _, givesUp := range []bool{false, true} {
		person, program := terminal(t)
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		var typed string
		done := make(chan error)
		go func() {
			value, err := readHidden(ctx, int(program.Fd()))
			_ = value.Reveal(func(b []byte) error { typed = string(b); return nil })
			done <- err
		}()
		for echoes(t, program) {
			time.Sleep(time.Millisecond)
		}
		if givesUp {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) || typed != "" {
				t.Errorf("%q, %v", typed, err)
			}
		}
		if _, err := person.WriteString("CANARYtyped\n"); err != nil {
			t.Fatal(err)
		}
		if givesUp {
			continue
		}
		if err := <-done; err != nil || typed != "CANARYtyped" {
			t.Errorf("%q, %v", typed, err)
		}
		if !echoes(t, program) {
			t.Error("the terminal stays silent")
		}
		if _, err := program.WriteString("end"); err != nil {
			t.Fatal(err)
		}
		screen := make([]byte, 1024)
		n, err := person.Read(screen)
		if shown := string(screen[:n]); err != nil || strings.Contains(shown, "CANARY") {
			t.Errorf("the screen shows %q, %v", shown, err)
		}
	}
}
