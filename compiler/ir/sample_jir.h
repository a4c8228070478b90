#pragma once
// A module in text form that has every operation, for the tests of this room.

#include <string_view>

namespace jade::ir {

inline constexpr std::string_view kSampleJir = R"JIR(jir 1
type Query in std/types = new Text
type Answer in std/types = new Text
record Note in std/types {question: Query, answer: Answer}
enum Reply {Ask(q: Query), Final(a: Answer), Stop}
type Query~2 in other = new Text
param alpha: Float = alpha.default
main Solve

executor QR(sub: Query, notes: [Note] default) -> Query {
  system QR.system
  user QR.user
  format tag query Query
  check QR.check
  malformed QR.malformed
  invalid QR.invalid
  penalty 2.0
  temperature 1.0
  top_p 0.9
  top_k 40
  max_tokens 64
  stop "\n\n"
}

planner MakePlan(question: Query) -> Plan<Query, Answer> {
  format plan workflow
  overrun 1.0
  stages "[QR] [R [DS]] AG | QDS | QDP"
  uses QR
}

executor Router(question: Query input) -> Reply {
  format alternatives
  alternative ask 0 Query
  alternative final 1 Answer
}

executor Split(question: Query) -> [Query] {
  format numbered q Query max 7
}

executor Pick(notes: [Note]) -> [Note] {
  format subset id Pick.subject
}

tool R(query: Query, k: Int default) -> [Note] {
  retry 2
  timeout_us 5000000
}

template QR.system(%0: Query sub, %1: [Note] notes) -> Never {
  emit.text "Rewrite \"it\" \\ {\t\x01}: é"
  yield
}

template QR.user(%0: Query sub, %1: [Note] notes) -> Never {
  emit.for(%1) { (%2: Note, %3: Int)
    %4: Text = display(%3)
    emit(%4)
    %5: Query = field question(%2)
    %6: Text = display(%5)
    emit(%6)
    yield
  }
  %7: [Note] = list()
  %8: Bool = eq(%1, %7)
  emit.if(%8) {
    emit.text "none"
    yield
  } {
    yield
  }
  %9: Note? = builtin first(%1)
  emit.switch [1 0](%9) { (%10: Note)
    yield
  } {
    emit.text "-"
    yield
  }
  yield
}

check QR.check(%0: Query sub, %1: [Note] notes, %2: Query result, %3: Text raw) -> Bool {
  %4: Bool = ne(%2, %0)
  %5: Text = cast(%2)
  %6: Int = builtin words(%5)
  %7: Int = const.int 100
  %8: Bool = le(%6, %7)
  %9: Bool = and(%4, %8)
  yield(%9)
}

fallback QR.malformed(%0: Query sub, %1: [Note] notes, %2: Text raw) -> Query {
  %3: Query = cast(%2)
  yield(%3)
}

fallback QR.invalid(%0: Query sub, %1: [Note] notes, %2: Query result, %3: Text raw) -> Query {
  yield(%2)
}

pure Pick.subject(%0: [Note] notes) -> [Note] {
  yield(%0)
}

default alpha.default() -> Float {
  %0: Float = const.float 1.5
  yield(%0)
}

workflow Solve(%0: Query question) -> Answer {
  %1: future Plan<Query, Answer> = issue MakePlan(%0) @MakePlan
  %2: Plan<Query, Answer> = await(%1)
  %3: Int = const.int 40
  %4: Float = const.float 2.5
  %5: Answer = within calls seconds(%3, %4) {
    %6: Answer = run(%2, %0) @run
    yield(%6)
  } {
    %7: Answer = call Sub(%0, %3) @Sub:fallback
    yield(%7)
  }
  yield(%5)
}

workflow Sub(%0: Query q, %1: Int n) -> Answer {
  %2: future [Query] = issue Split(%0) @Split
  %3: future [Note] = issue R(%0, %1) @R !7
  %4: [Query] = await(%2) !1
  %5: [Note] = list()
  %6: [Note] = fold(%4, %5) { (%7: [Note], %8: Query, %9: Int, %10: future Query)
    %11: Query = await(%10)
    %12: Plan<Query, Answer> = plan Sub(%1)
    %13: future Answer = spawn {
      %14: Answer = run(%12, %11) @run
      yield(%14)
    }
    %15: Answer = await(%13)
    %16: Note = record(%11, %15)
    %17: [Note] = list(%16)
    %18: [Note] = list.concat(%7, %17)
    yield(%18)
  } { (%19: Query, %20: Int)
    %21: [Note] = list()
    %22: future Query = issue QR(%19, %21) @QR
    %23: Query = await(%22)
    yield(%23)
  }
  %24: [Query] = each(%6) { (%25: Note, %26: Int)
    %27: Query = field question(%25)
    %28: [Note] = list()
    %29: future Query = issue QR(%27, %28) @QR#1
    %30: Query = await(%29)
    yield(%30)
  } { (%31: Note, %32: Int)
    %33: Bool = const.bool true
    yield(%33)
  }
  %34: [Text] = map(%24) { (%35: Query, %36: Int)
    %37: Text = cast(%35)
    yield(%37)
  }
  %38: [Note] = await(%3)
  %39: Int = const.int 0
  %40: Query = index(%24, %39)
  %41: future Reply = issue Router(%40) @Router
  %42: Reply = await(%41)
  %43: Answer = switch [0 1 2](%42) { (%44: Query)
    %45: Answer = cast(%44)
    yield(%45)
  } { (%46: Answer)
    yield(%46)
  } {
    trap call_failed "stopped"
  }
  %47: Int = repeat(%1, %39) { (%48: Int)
    %49: Int = const.int 1
    %50: Int = int.add(%48, %49)
    %51: Int = int.sub(%50, %39)
    %52: Int = int.mul(%51, %49)
    %53: Int = int.div(%52, %49)
    %54: Int = int.rem(%53, %49)
    %55: Int = int.neg(%54)
    %56: Bool = lt(%55, %50)
    yield(%50, %56)
  }
  %57: Float = int.to_float(%47)
  %58: Float = param alpha
  %59: Float = float.add(%57, %58)
  %60: Float = float.sub(%59, %58)
  %61: Float = float.mul(%60, %58)
  %62: Float = float.div(%61, %58)
  %63: Float = float.neg(%62)
  %64: Bool = gt(%63, %62)
  %65: Bool = ge(%63, %62)
  %66: Bool = or(%64, %65)
  %67: Bool = not(%66)
  %68: Answer = if(%67) {
    yield(%43)
  } {
    %69: Text = const.text "a\nb"
    %70: Text = text.concat(%69, %69)
    %71: Answer = cast(%70)
    yield(%71)
  }
  %72: Answer? = some(%68)
  %73: Answer? = none
  %74: Bool = eq(%72, %73)
  %75: Query = cast(%68)
  %76: Reply = enum Ask(%75)
  %77: Reply = enum Stop
  %78: Answer = enter Sub @Sub {
    %79: Int = const.int 3 !0
    %80: future [Note] = issue R(%75, %79) @R
    %81: [Note] = await(%80)
    yield(%68)
  }
  yield(%78) !60
}

test "the whole" () -> Never {
  %0: Text = const.text "<query>x</query>"
  test.reply QR(%0, %0)
  %1: Float = test.penalty QR
  %2: Float = const.float 2.0
  %3: Bool = eq(%1, %2)
  %4: Int = test.calls QR
  test.expect "penalty(QR) == 2.0"(%3, %1, %2)
  yield
}
)JIR";

}  // namespace jade::ir
