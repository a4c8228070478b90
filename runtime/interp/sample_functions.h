#pragma once
// Functions in JIR that the tests of both tiers run. Each is the only one of its module.

namespace jade::interp::samples {

// The sum of 0 … n-1, each counted twice.
inline constexpr const char* kFoldOfRange = R"(pure F(%0: Int n) -> Int {
  %1: [Int] = builtin range(%0)
  %2: Int = const.int 0
  %3: Int = fold(%1, %2) { (%4: Int, %5: Int, %6: Int)
    %7: Int = int.add(%4, %5)
    %8: Int = int.add(%7, %6)
    yield(%8)
  }
  yield(%3)
}
)";

// Does nothing, n times.
inline constexpr const char* kForever = R"(pure F(%0: Int n) -> Int {
  %1: Int = repeat(%0, %0) { (%2: Int)
    %3: Bool = const.bool false
    yield(%2, %3)
  }
  yield(%1)
}
)";

// The text n times doubled.
inline constexpr const char* kDoubling = R"(pure F(%0: Text t, %1: Int n) -> Text {
  %2: Text = repeat(%1, %0) { (%3: Text)
    %4: Text = text.concat(%3, %3)
    %5: Bool = const.bool false
    yield(%4, %5)
  }
  yield(%2)
}
)";

// Adds the index to 10 / item, for items from 0 on.
inline constexpr const char* kEachWithFilter = R"(workflow F(%0: [Int] xs) -> [Int] {
  %1: Int = const.int 10
  %2: Int = const.int 0
  %3: [Int] = each(%0) { (%4: Int, %5: Int)
    %6: Int = int.div(%1, %4)
    %7: Int = int.add(%6, %5)
    yield(%7)
  } { (%8: Int, %9: Int)
    %10: Bool = ge(%8, %2)
    yield(%10)
  }
  yield(%3)
}
)";

// Item times index, of items from 2 on.
inline constexpr const char* kMapWithFilter = R"(pure F(%0: [Int] xs) -> [Int] {
  %1: Int = const.int 2
  %2: [Int] = map(%0) { (%3: Int, %4: Int)
    %5: Int = int.mul(%3, %4)
    yield(%5)
  } { (%6: Int, %7: Int)
    %8: Bool = ge(%6, %1)
    yield(%8)
  }
  yield(%2)
}
)";

// The payload of Go, -1 for Stop; needs `enum Step {Go(n: Int), Stop}`.
inline constexpr const char* kSwitchOnStep = R"(pure F(%0: Step s) -> Int {
  %1: Int = switch [0 1](%0) { (%2: Int)
    yield(%2)
  } {
    %3: Int = const.int -1
    yield(%3)
  }
  yield(%1)
}
)";

// Calls itself.
inline constexpr const char* kEndlessRecursion = R"(workflow F(%0: Int n) -> Int {
  %1: Int = call F(%0) @F
  yield(%1)
}
)";

}  // namespace jade::interp::samples
