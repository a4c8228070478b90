#include "compiler/parse/scanner.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "antlr4-runtime.h"
#include "compiler/parse/parse.h"
#include "grammar/JadeLexer.h"

namespace jade::parse {
namespace {

using grammar::JadeLexer;
using source::Span;

// The DFA that all lexers share takes a lock and a hash table for each character; this remembers what it said. Its
// states and edges stay once they are there.
class RememberingLexerSimulator final : public antlr4::atn::LexerATNSimulator {
 public:
  // Takes over what `base` shares with other lexers.
  RememberingLexerSimulator(antlr4::Lexer* lexer, LexerATNSimulator& base)
      : LexerATNSimulator(lexer, lexer->getATN(), base._decisionToDFA, base.getSharedContextCache()) {}

  antlr4::dfa::DFAState* getExistingTargetState(antlr4::dfa::DFAState* state, size_t symbol) override {
    Edge& edge = edges_[(reinterpret_cast<uintptr_t>(state) / 64 + symbol * 37) % edges_.size()];
    if (edge.from == state && edge.symbol == symbol) return edge.to;
    antlr4::dfa::DFAState* to = LexerATNSimulator::getExistingTargetState(state, symbol);
    if (to != nullptr) edge = {state, to, symbol};
    return to;
  }

 private:
  struct Edge {
    antlr4::dfa::DFAState* from = nullptr;
    antlr4::dfa::DFAState* to = nullptr;
    size_t symbol = 0;
  };
  std::array<Edge, 32> edges_;  // below a KiB: what is larger makes malloc tidy up
};

class GuardedLexer : public JadeLexer {
 public:
  explicit GuardedLexer(antlr4::CharStream* input) : JadeLexer(input) {
    auto* base = getInterpreter<antlr4::atn::LexerATNSimulator>();
    simulator_ = new RememberingLexerSimulator(this, *base);
    setInterpreter(simulator_);  // owns it, and deletes the one before
  }
  // A `}` too many is diagnosed later; the lexer just stays where it is.
  size_t popMode() override { return modeStack.empty() ? mode : JadeLexer::popMode(); }

  struct Scanned {
    size_t type = 0;
    size_t channel = 0;
    size_t begin = 0;  // code points
    size_t end = 0;
    size_t column = 0;
  };
  // What Lexer::nextToken does, without making a token of it.
  Scanned Next() {
    while (_input->LA(1) != antlr4::Token::EOF) {
      Scanned scanned;
      channel = antlr4::Token::DEFAULT_CHANNEL;
      scanned.begin = tokenStartCharIndex = _input->index();
      scanned.column = simulator_->getCharPositionInLine();
      do {
        type = antlr4::Token::INVALID_TYPE;
        const size_t matched = Match();
        if (type == antlr4::Token::INVALID_TYPE) type = matched;
      } while (type == MORE);
      if (type == SKIP) continue;
      scanned.type = type;
      scanned.channel = channel;
      scanned.end = _input->index();
      return scanned;
    }
    return {antlr4::Token::EOF};
  }

 private:
  size_t Match() {
    try {
      return simulator_->match(_input, mode);
    } catch (const antlr4::LexerNoViableAltException& e) {
      recover(e);
      return SKIP;
    }
  }

  antlr4::atn::LexerATNSimulator* simulator_ = nullptr;
};

// UTF-8 is decoded by ANTLR; a text of ASCII need not be.
class ScannerInput : public antlr4::ANTLRInputStream {
 public:
  explicit ScannerInput(std::string_view text) {
    const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80U; };
    if (std::all_of(text.begin(), text.end(), ascii)) {
      _data.assign(text.begin(), text.end());
    } else {
      load(std::string(text));
    }
  }
};

// Maps code-point offsets to byte offsets. Empty for ASCII, where they agree.
class ByteMap {
 public:
  explicit ByteMap(std::string_view text) {
    const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80U; };
    if (std::all_of(text.begin(), text.end(), ascii)) return;
    starts_.reserve(text.size() + 1);
    for (size_t i = 0; i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts_.push_back(static_cast<uint32_t>(i));
    }
    starts_.push_back(static_cast<uint32_t>(text.size()));
  }
  uint32_t operator[](size_t code_point) const {
    if (starts_.empty()) return static_cast<uint32_t>(code_point);
    return starts_[std::min(code_point, starts_.size() - 1)];
  }

 private:
  std::vector<uint32_t> starts_;
};

// `{ "word" :` is how JSON begins, never an interpolation.
bool LooksLikeJson(std::string_view after_brace) {
  size_t i = 0;
  const auto skip_blanks = [&] {
    while (i < after_brace.size() && std::isspace(static_cast<unsigned char>(after_brace[i])) != 0) ++i;
  };
  skip_blanks();
  if (after_brace.substr(i, 2) == "\\\"") return true;  // in a `"` string, where no interpolation begins with `\`
  if (i >= after_brace.size() || after_brace[i] != '"') return false;
  const size_t limit = std::min(after_brace.size(), i + 200);
  for (++i; i < limit && after_brace[i] != '"' && after_brace[i] != '\n'; ++i) {
  }
  if (i >= limit || after_brace[i] != '"') return false;
  ++i;
  skip_blanks();
  return i < after_brace.size() && after_brace[i] == ':';
}

class Scanner {
 public:
  Scanner(const source::SourceFilePtr& file, Span range, diag::Diagnostics& sink)
      : file_(file),
        range_(range),
        sink_(sink),
        text_(file->Text(range)),
        bytes_(text_),
        input_(text_),
        lexer_(&input_) {
    lexer_.removeErrorListeners();
    result_.tokens.reserve(std::min<size_t>(text_.size() / 2, 48));
  }

  ScanResult Run() {
    while (true) {
      const GuardedLexer::Scanned token = lexer_.Next();
      if (token.type == antlr4::Token::EOF) break;
      Span span{range_.begin + bytes_[token.begin], range_.begin + bytes_[token.end]};
      if (token.channel == JadeLexer::COMMENTS) {
        result_.comments.push_back({span, StartsLine(span.begin)});
        continue;
      }
      Lexeme lexeme;
      lexeme.type = token.type;
      lexeme.span = span;
      lexeme.column = static_cast<uint32_t>(token.column);
      lexeme.first_on_line = open_.empty() || open_.back().brace ? StartsLine(span.begin) : false;
      Take(lexeme);
      if (result_.tokens.size() > kMaxTokens) {
        result_.too_many = true;
        return std::move(result_);
      }
    }
    for (const Open& open : open_) {
      if (!open.brace && !result_.unclosed) result_.unclosed = open.span;
    }
    return std::move(result_);
  }

 private:
  struct Open {
    bool brace = false;  // `{`, of a block or an interpolation; else a template
    bool hole = false;
    size_t type = 0;
    Span span;
    bool json_seen = false;
  };

  bool StartsLine(uint32_t at) const {
    const std::string_view text = file_->text();
    while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
    return at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
  }

  void Emit(const Lexeme& lexeme) { result_.tokens.push_back(lexeme); }

  void Take(Lexeme lexeme) {
    switch (lexeme.type) {
      case JadeLexer::LBRACE:
        open_.push_back({true, false, lexeme.type, lexeme.span});
        return Emit(lexeme);
      case JadeLexer::HOLE_OPEN:
        return TakeHole(lexeme);
      case JadeLexer::RBRACE:
        if (!open_.empty() && open_.back().brace) open_.pop_back();
        return Emit(lexeme);
      case JadeLexer::TRIPLE_OPEN:
        if (ClosesTemplateAround(lexeme)) return;
        [[fallthrough]];
      case JadeLexer::STRING_OPEN:
      case JadeLexer::RAW_OPEN:
        open_.push_back({false, false, lexeme.type, lexeme.span});
        return Emit(lexeme);
      case JadeLexer::STRING_CLOSE:
      case JadeLexer::TRIPLE_CLOSE:
      case JadeLexer::RAW_CLOSE:
        open_.pop_back();
        return Emit(lexeme);
      case JadeLexer::STRING_BROKEN:
        return TakeBrokenString(lexeme);
      case JadeLexer::UNKNOWN:
        return TakeUnknown(lexeme);
      case JadeLexer::BAD_NUMBER:
        Reported(lexeme.span);
        if (IsTag(lexeme.span)) {
          const Span tag{lexeme.span.begin - 1, lexeme.span.end + 1};
          sink_.Report(diag::kBadTag, file_, tag, file_->Text(tag)).Help("a tag begins with a letter");
          return Emit(lexeme);
        }
        sink_.Report(diag::kBadNumber, file_, lexeme.span, file_->Text(lexeme.span))
            .Help("a number is digits, with `.` and an exponent for a `Float`; a name begins with a letter");
        lexeme.type = JadeLexer::INT;
        return Emit(lexeme);
      default:
        return Emit(lexeme);
    }
  }

  void Reported(Span span) { result_.reported.push_back(span); }

  void TakeHole(Lexeme lexeme) {
    Open& around = open_.back();
    if (LooksLikeJson(file_->text().substr(lexeme.span.end))) {
      if (!around.json_seen) {
        Reported(lexeme.span);
        sink_.Report(diag::kJsonInTemplate, file_, lexeme.span)
            .Help("write `{{` for a brace, or begin the template with `r\"\"\"` to have no interpolation in it")
            .Fix(lexeme.span, "{{");
      }
      around.json_seen = true;
      lexer_.popMode();
      lexeme.type = JadeLexer::TEMPLATE_TEXT;
      return Emit(lexeme);
    }
    open_.push_back({true, true, lexeme.type, lexeme.span});
    Emit(lexeme);
  }

  // `"""` inside an interpolation of a `"""` template can only mean that the interpolation was not closed.
  bool ClosesTemplateAround(Lexeme lexeme) {
    size_t hole = open_.size();
    while (hole > 0 && !open_[hole - 1].hole && open_[hole - 1].brace) --hole;
    if (hole == 0 || !open_[hole - 1].hole || open_[hole - 2].type != JadeLexer::TRIPLE_OPEN) return false;
    const Span opening = open_[hole - 1].span;
    Reported(opening);
    sink_.Report(diag::kUnclosedBracket, file_, opening, "{")
        .Note(file_, lexeme.span, "the template ends here")
        .Help("close the interpolation with `}`, or write `{{` for a brace");
    const size_t levels = open_.size() - (hole - 2);
    for (size_t i = 0; i < levels + 1; ++i) lexer_.popMode();
    open_.resize(hole - 2);
    lexeme.type = JadeLexer::TRIPLE_CLOSE;
    Lexeme brace = lexeme;
    brace.type = JadeLexer::RBRACE;
    brace.span = {lexeme.span.begin, lexeme.span.begin};
    for (size_t i = 0; i + 1 < levels; ++i) Emit(brace);
    Emit(lexeme);
    return true;
  }

  void TakeBrokenString(Lexeme lexeme) {
    const Span opening = open_.back().span;
    Reported(opening);
    sink_.Report(diag::kUnclosedString, file_, opening)
        .Help("close it with `\"`; a text of several lines stands between `\"\"\"` and `\"\"\"`");
    open_.pop_back();
    lexeme.type = JadeLexer::STRING_CLOSE;
    lexeme.span.end = lexeme.span.begin;
    Emit(lexeme);
  }

  void TakeUnknown(const Lexeme& lexeme) {
    const bool run = !result_.reported.empty() && result_.reported.back().end == lexeme.span.begin;
    Reported(lexeme.span);
    if (run || lexeme.span.begin < quoted_until_) return;  // one message for a run of them, and for two quotes
    const std::string_view text = file_->Text(lexeme.span);
    if (const std::string_view closing = ClosingQuote(text); !closing.empty()) return TakeQuote(lexeme, closing);
    const char c = text.empty() ? '\0' : text[0];
    const char* help = "names are made of ASCII letters, digits and `_`; other text belongs in a template";
    if (c == '&') help = "write `and`";
    if (c == '!') help = "write `not`";
    const auto byte = static_cast<unsigned char>(c);
    const std::string shown = byte < 0x20U || byte == 0x7fU ? fmt::format("\\x{:02x}", byte) : std::string(text);
    sink_.Report(diag::kUnknownCharacter, file_, lexeme.span, shown).Help(help);
  }

  // The other quote of a text in quotes of another kind.
  static std::string_view ClosingQuote(std::string_view opening) {
    if (opening == "'" || opening == "`") return opening;
    if (opening == "“" || opening == "„" || opening == "”") return "”";
    if (opening == "‘") return "’";
    if (opening == "«") return "»";
    return {};
  }

  void TakeQuote(const Lexeme& lexeme, std::string_view closing) {
    constexpr size_t kLongest = 500;  // bounds what a line full of quotes costs
    const std::string_view after = file_->text().substr(lexeme.span.end, kLongest);
    const size_t close = after.find(closing);
    Span whole = lexeme.span;
    if (close < after.find('\n')) whole.end += static_cast<uint32_t>(close + closing.size());
    quoted_until_ = whole.end;
    auto report = sink_.Report(diag::kUnknownCharacter, file_, whole, file_->Text(lexeme.span));
    report.Help("a text stands between `\"` and `\"`");
    if (whole == lexeme.span) return;
    report.Fix(lexeme.span, "\"").Fix({whole.end - static_cast<uint32_t>(closing.size()), whole.end}, "\"");
  }

  // `<1a>`, where a number cannot be meant.
  bool IsTag(Span word) const {
    const std::string_view text = file_->text();
    return word.begin > 0 && text[word.begin - 1] == '<' && word.end < text.size() && text[word.end] == '>';
  }

  const source::SourceFilePtr& file_;
  const Span range_;
  diag::Diagnostics& sink_;
  const std::string_view text_;
  const ByteMap bytes_;
  ScannerInput input_;
  GuardedLexer lexer_;
  std::vector<Open> open_;
  ScanResult result_;
  uint32_t quoted_until_ = 0;  // end of a text in wrong quotes
};

}  // namespace

ScanResult Scan(const source::SourceFilePtr& file, Span range, diag::Diagnostics& sink) {
  return Scanner(file, range, sink).Run();
}

}  // namespace jade::parse
