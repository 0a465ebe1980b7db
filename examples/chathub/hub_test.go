package chathub

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// An empty room is a room: it is listed, it exists, and leaving does not remove it.
func TestEmptyRoomStays(t *testing.T) {
	h := NewHub()
	h.Open("standup")
	if !h.Exists("standup") || h.Count("standup") != 0 {
		t.Fatal("an opened room does not exist, or is not empty")
	}
	h.Join("standup", NewClient("ann"))
	h.Open("standup") // must not throw ann out
	if got := h.Count("standup"); got != 1 {
		t.Fatalf("%d users after a second Open, want 1", got)
	}
	h.Leave("standup", "ann")
	if !h.Exists("standup") {
		t.Error("the room went with its last user")
	}
	if got := strings.Join(h.Rooms(), ","); got != "standup" {
		t.Errorf("rooms %q, want standup", got)
	}
	h.Close("standup")
	if h.Exists("standup") {
		t.Error("the room is still there after Close")
	}
}

func TestLeaveUnknownRoom(t *testing.T) {
	h := NewHub()
	h.Leave("nowhere", "ann")
	if h.Exists("nowhere") || h.Count("nowhere") != 0 {
		t.Error("leaving made a room")
	}
}

func TestSay(t *testing.T) {
	h := NewHub()
	ann, bob := NewClient("ann"), NewClient("bob")
	h.Join("lobby", ann)
	h.Join("lobby", bob)
	if got := h.Say("lobby", "ann", "hi"); got != 1 {
		t.Fatalf("sent to %d, want 1", got)
	}
	if got := <-bob.out; got != "ann: hi" {
		t.Errorf("bob got %q", got)
	}
	if h.Joins("ann") != 1 || h.Joins("eve") != 0 {
		t.Error("joins are miscounted")
	}
}

func TestHandler(t *testing.T) {
	srv := Handler(NewHub())
	srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", "/rooms/lobby", nil))
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest("GET", "/rooms", nil))
	if got := strings.TrimSpace(w.Body.String()); got != "lobby" {
		t.Errorf("rooms %q, want lobby", got)
	}
}
