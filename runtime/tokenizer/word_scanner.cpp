#include "runtime/tokenizer/word_scanner.h"

#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {
namespace {

// What stands at a position; `length` 0 is the end of the text.
struct Seen {
  uint32_t value = 0;
  size_t length = 0;
  CharClass char_class = CharClass::kOther;

  bool at_end() const { return length == 0; }
  bool Is(CharClass wanted) const { return length != 0 && char_class == wanted; }
  bool IsLineBreak() const { return length != 0 && (value == '\r' || value == '\n'); }
};

// Reads code points up to `end` and remembers whether the end was looked at.
class Reader {
 public:
  Reader(std::string_view text, size_t end) : text_(text.substr(0, end)) {}

  Seen At(size_t position) {
    if (position >= text_.size()) {
      saw_end_ = true;
      return {};
    }
    const CodePoint c = DecodeCodePoint(text_, position);
    if (c.incomplete) saw_end_ = true;
    return {c.value, c.length, c.valid ? ClassOf(c.value) : CharClass::kOther};
  }

  // The end of the run of `wanted` that starts at `position`, at most `limit` code points.
  size_t RunEnd(size_t position, CharClass wanted, size_t limit = SIZE_MAX) {
    for (size_t count = 0; count < limit; ++count) {
      const Seen seen = At(position);
      if (!seen.Is(wanted)) break;
      position += seen.length;
    }
    return position;
  }

  bool saw_end() const { return saw_end_; }

 private:
  std::string_view text_;
  bool saw_end_ = false;
};

bool EqualsLetter(const Seen& seen, char letter, bool ignore_case) {
  if (seen.at_end()) return false;
  if (seen.value == static_cast<uint32_t>(letter)) return true;
  if (!ignore_case) return false;
  if (seen.value == static_cast<uint32_t>(letter - 'a' + 'A')) return true;
  return letter == 's' && seen.value == 0x17F;  // ſ folds to s
}

// The end of 's 't 're 've 'm 'll 'd whose apostrophe stands at `position`, or `position` when there is none.
size_t ContractionEnd(Reader* reader, size_t position, bool ignore_case) {
  const Seen first = reader->At(position + 1);
  for (char letter : {'s', 't', 'm', 'd'}) {
    if (EqualsLetter(first, letter, ignore_case)) return position + 1 + first.length;
  }
  constexpr char kPairs[][2] = {{'r', 'e'}, {'v', 'e'}, {'l', 'l'}};
  for (const auto& pair : kPairs) {
    if (!EqualsLetter(first, pair[0], ignore_case)) continue;
    const Seen second = reader->At(position + 2);
    if (EqualsLetter(second, pair[1], ignore_case)) return position + 3;
  }
  return position;
}

// \s+(?!\S)|\s+ : a run gives its last code point to what follows, unless nothing follows or it is the only one.
size_t SpaceEnd(Reader* reader, size_t position) {
  size_t last = position;
  size_t end = position;
  for (Seen seen = reader->At(end); seen.Is(CharClass::kSpace); seen = reader->At(end)) {
    last = end;
    end += seen.length;
  }
  const bool text_ends = reader->At(end).at_end();
  return text_ends || last == position ? end : last;
}

size_t Gpt2End(Reader* reader, size_t position) {
  const Seen seen = reader->At(position);
  if (seen.value == '\'' && !seen.at_end()) {
    if (const size_t end = ContractionEnd(reader, position, false); end != position) return end;
  }
  const size_t start = seen.value == ' ' ? position + 1 : position;
  const Seen body = reader->At(start);
  if (!body.at_end() && body.char_class != CharClass::kSpace) return reader->RunEnd(start, body.char_class);
  return SpaceEnd(reader, position);
}

// \s*[\r\n]+ : the end of the last line break in the run of white space, or `position` when it has none.
size_t LineBreakEnd(Reader* reader, size_t position) {
  size_t end = position;
  size_t break_end = position;
  for (Seen seen = reader->At(end); seen.Is(CharClass::kSpace); seen = reader->At(end)) {
    end += seen.length;
    if (seen.IsLineBreak()) break_end = end;
  }
  return break_end;
}

size_t Llama3End(Reader* reader, size_t position, size_t digits) {
  const Seen seen = reader->At(position);
  if (seen.value == '\'' && !seen.at_end()) {
    if (const size_t end = ContractionEnd(reader, position, true); end != position) return end;
  }
  if (seen.Is(CharClass::kLetter)) return reader->RunEnd(position, CharClass::kLetter);
  if (seen.Is(CharClass::kNumber)) return reader->RunEnd(position, CharClass::kNumber, digits);
  const size_t next = position + seen.length;
  if (!seen.IsLineBreak() && reader->At(next).Is(CharClass::kLetter)) return reader->RunEnd(next, CharClass::kLetter);
  const size_t start = seen.value == ' ' ? next : position;
  if (reader->At(start).Is(CharClass::kOther)) {
    size_t end = reader->RunEnd(start, CharClass::kOther);
    for (Seen after = reader->At(end); after.IsLineBreak(); after = reader->At(end)) end += after.length;
    return end;
  }
  if (const size_t end = LineBreakEnd(reader, position); end != position) return end;
  return SpaceEnd(reader, position);
}

}  // namespace

bool WordScanner::Next(Word* word) {
  if (position_ >= text_.size()) return false;
  if (kind_ == PreTokenizer::kSmolLm) {
    *word = NextOfPieces();
  } else {
    Reader reader(text_, text_.size());
    size_t end = position_;
    switch (kind_) {
      case PreTokenizer::kLlama3:
        end = Llama3End(&reader, position_, 3);
        break;
      case PreTokenizer::kQwen2:
        end = Llama3End(&reader, position_, 1);
        break;
      default:
        end = Gpt2End(&reader, position_);
        break;
    }
    *word = {position_, end, reader.saw_end()};
  }
  position_ = word->end;
  return true;
}

Word WordScanner::NextOfPieces() {
  if (position_ >= piece_end_) {
    Reader reader(text_, text_.size());
    const Seen seen = reader.At(position_);
    if (seen.Is(CharClass::kNumber)) return {position_, position_ + seen.length, false};
    piece_end_ = position_;
    for (Seen s = seen; !s.at_end() && s.char_class != CharClass::kNumber; s = reader.At(piece_end_)) {
      piece_end_ += s.length;
    }
  }
  Reader reader(text_, piece_end_);
  const size_t end = Gpt2End(&reader, position_);
  return {position_, end, reader.saw_end() && piece_end_ == text_.size()};
}

}  // namespace jade::tokenizer
