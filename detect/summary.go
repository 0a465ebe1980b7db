// This file defines the summary of a package: what linking needs to know of it, as plain data.

package detect

import "go/token"

// A Summary is what one package contributes to linking. It is the package's only fact:
// it holds no object, no syntax and no position base, so that it can be stored and sent.
//
// Access paths are strings: a root, then selectors separated by '|'. Roots are relative to
// the function in which the path occurs:
//
//	p0 p1…     parameters, the receiver first
//	f0 f1…     free variables of a function literal (bound in Free, in the parent's frame)
//	g:pkg.Var  package variables
//	a0 a1…     objects allocated in the function, and local variables
//	c0_1…      results of call 0… that no summary explains
//	u0 u1…     values nobody explains
//
// A selector is a field ("pkg.Type.field") or "[]", an element of a map, slice or array.
// Loads are not written: x.f and *x.f are one path.
type Summary struct {
	Package string // import path
	Name    string
	Files   []string
	Maps    []MapDecl
	Funcs   []*FuncInfo
	Types   []TypeInfo
	Flows   []Flow

	Directives []DirectiveInfo
}

// A Pos is a position in one of the summary's Files.
type Pos struct{ File, Offset, Line, Column int32 }

// A MapDecl is a map variable that the package declares.
type MapDecl struct {
	Key, Name  string
	Kind       Kind
	Type       string
	Pos        Pos
	Nested     bool
	Holder     string
	Generated  bool
	Test       bool
	Param      bool // a parameter: named only when no better name is found
	HolderLock bool // the holder has a lock of its own
	Boxed      bool // not of map type: an interface, an atomic value or a pointer that may hold one
}

// A FuncInfo is what one function does, relative to its parameters.
type FuncInfo struct {
	Key, Name string
	Pos       Pos
	Test      bool
	ForTests  bool // helps tests (rule C8)
	Generated bool
	Exported  bool   // callable from outside the module's package
	Recv      string // "pkg.Type" for a method
	Entry     string // "main", "init", "http handler", "rpc handler" when the function is a root by itself
	Params    int
	Parent    string   // the function that creates this literal
	Free      []string // what its free variables are, in the parent's frame

	States   []LockState // interned; accesses and calls refer to them
	Accesses []AccessInfo
	Elements []AccessInfo // of fields of what maps point to; Path ends in the field
	Steps    []AccessInfo // changes that rely on a check in another critical section
	Aliases  []AliasInfo  // of what the objects made here hold
	Helpers  []HelperInfo // critical sections that this function is to its callers
	Calls    []CallInfo
	Results  []ResultInfo

	Acquire, MayAcquire []LockRef // net effect on return
	Release, MayRelease []string
	Publishes           []bool // parameter i may be kept where other goroutines find it
	FreePublishes       []bool
	GoPublishes         []bool // parameter i may be shared with a goroutine that still runs on return
	FreeGoPublishes     []bool
	GoSignals           bool // starts a goroutine that signals its end
	Joins               bool // waits for a WaitGroup before it returns
	Receives            bool // waits, by its name too, for a channel it is given
	Spawns              bool // may start a goroutine
	Signals             bool // sends on or closes a channel, or calls WaitGroup.Done
	AddressTaken        bool
	Ends                []string    // channels it closes, and WaitGroups it leaves, at its end
	Awaits              []string    // channels and WaitGroups it waits for before it returns
	Registers           []bool      // parameter i is registered with a server
	Locals              []LocalInfo // captured map variables
}

// A LocalInfo is a local map variable: its root and its key.
type LocalInfo struct{ Root, Key string }

// A LockRef names a lock by access path.
type LockRef struct {
	Path string
	Read bool
}

// A LockState is what is known about locks at one place of a function.
type LockState struct {
	Must     []LockRef // held on every way here
	May      []string  // held on some way here
	Released []string  // given back since the function was entered, so no caller's lock either
}

// An AccessInfo is one access in the frame of its function.
type AccessInfo struct {
	Op    Op
	Pos   Pos
	Path  string
	State int32
	Load  int32 // state at the place where the map value was read from its variable, -1: the same place
	LoadP Pos
	Loop  int32

	After     []string // channels and WaitGroups, by flow key, that were waited for before
	Fresh     bool     // the root was allocated here
	Published bool     // and may be shared by now (for a parameter: this function may have shared it)
	PubGo     bool     // shared by a go statement of this function, not joined
	Seq       bool     // this function cannot have started a goroutine before
	Once      bool
	Taken     bool      // alias of a map that was replaced in the same critical section
	Filling   bool      // of a map that the same critical section has just put into the variable
	Return    bool      // an escape by return
	Sent      bool      // an escape through a channel
	Copy      bool      // reached through a copy of the holder
	Step      *StepInfo // for Steps: the check
	Handed    bool      // the object was sent through a channel before
	Lazy      bool      // fills a package variable on a miss, without a lock
}

// A CallInfo is one call that linking must know.
type CallInfo struct {
	Kind   string // "call", "go", "defer"
	ID     int32  // the number in the roots of its results, -1 none
	Pos    Pos
	State  int32
	Loop   int32
	Seq    bool
	Joined bool // for go: the same function waits for it on every way out
	Callee string
	Ext    string // a function that is not first-party, by full name
	From   int32  // the call whose result is called, -1 none
	Method string // interface call: name + signature
	Iface  []string
	Lib    bool     // of an interface that is not first-party: others may implement it
	Dyn    string   // flow node of the called value
	After  []string // see AccessInfo
	Phase  uint8    // how often the function has joined its goroutines before
	Clean  bool     // nothing that the call gets is shared with a goroutine that may still run
	Group  string   // the WaitGroup that the call starts a goroutine in
	Yield  string   // the body of a range over a function, which this call runs
	Args   []ArgInfo
	Bound  []ArgInfo // free variables, when the callee is a literal made here
}

// An ArgInfo is what one argument is bound to.
type ArgInfo struct {
	Path    string
	Fn      string // function key, when a known function value is passed
	Owned   bool   // fresh here and not shared yet
	Pub     bool   // a parameter that this function may have shared
	PubGo   bool
	Handed  bool // sent through a channel before
	PerLoop bool // allocated inside the innermost loop around the call
	Fresh   bool
	From    int32 // for a function value: the call that returned it, if Fn is its result
}

// A ResultInfo is what a function returns.
type ResultInfo struct {
	Path    string
	Fresh   bool
	Root    string // of the one object that is returned, when it was made here
	Shallow bool   // a new object, but what it refers to may be older
	Load    int32  // lock state at the load, -1 unknown
	Pos     Pos
	Aliases []AliasInfo // of what the object returned holds
}

// A TypeInfo is a named type, for resolving interface calls.
type TypeInfo struct {
	Key      string
	Exported bool
	HasLock  bool
	Methods  []MethodInfo
}

// A MethodInfo is a method and the function that implements it.
type MethodInfo struct{ Sig, Func string }

// A Flow says that function values at From arrive at To.
type Flow struct{ From, To string }

// AFact marks Summary as a package fact.
func (*Summary) AFact() {}

func (s *Summary) String() string { return "mapmigrate summary of " + s.Package }

func (s *Summary) position(p Pos) token.Position {
	if int(p.File) >= len(s.Files) || p.Line == 0 {
		return token.Position{}
	}
	return token.Position{Filename: s.Files[p.File], Offset: int(p.Offset), Line: int(p.Line), Column: int(p.Column)}
}
