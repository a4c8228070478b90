// The editor on libedit: the library edits one text, which may have several lines; here are the keys that it lacks, and
// colours, which are painted over what it has drawn whenever it waits for a key.

#include <fmt/format.h>
#include <histedit.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <cwchar>

#include "cli/line/history_file.h"
#include "cli/line/line_editor.h"
#include "cli/line/painter.h"

namespace jade::line {
namespace {

constexpr size_t kLongestRemembered = 16U << 10U;
constexpr size_t kLongestPainted = 8U << 10U;  // of what is drawn again at every key
constexpr size_t kLongestPaste = 8U << 20U;

// A key that nobody presses, to reach the library's own end of an input from ours: ^X^J.
constexpr char kAccept[] = "\x18\x0a";
constexpr char kPasteEnd[] = "\033[201~";

class LibeditEditor final : public LineEditor {
 public:
  explicit LibeditEditor(EditorOptions options) : options_(std::move(options)), file_(options_.history_file) {}
  ~LibeditEditor() override {
    if (history_ != nullptr) history_end(history_);
    if (edit_ != nullptr) el_end(edit_);
  }
  LibeditEditor(const LibeditEditor&) = delete;
  LibeditEditor& operator=(const LibeditEditor&) = delete;

  bool Begin();
  Outcome Read(std::string* text) override;
  void Remember(const std::string& text) override;

 private:
  static LibeditEditor& Of(EditLine* edit) {
    void* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<LibeditEditor*>(self);
  }
  // What the library calls.
  static char* Prompt(EditLine* edit);
  static int ReadCharacter(EditLine* edit, wchar_t* character);
  static unsigned char Enter(EditLine* edit, int key);
  static unsigned char NewLine(EditLine* edit, int key);
  static unsigned char Interrupt(EditLine* edit, int key);
  static unsigned char Suspend(EditLine* edit, int key);
  static unsigned char Complete(EditLine* edit, int key);
  static unsigned char Paste(EditLine* edit, int key);
  static unsigned char Up(EditLine* edit, int key);
  static unsigned char Down(EditLine* edit, int key);
  static unsigned char ToLineBegin(EditLine* edit, int key);
  static unsigned char ToLineEnd(EditLine* edit, int key);

  void BindKeys();
  void LoadHistory();
  void PaintText();
  unsigned char ShowCandidates(const std::vector<std::string>& candidates);
  struct Line {
    std::string_view text;
    size_t cursor = 0;
  };
  Line Current() const;
  void MoveCursor(size_t target);
  unsigned char Recall(size_t position);

  EditorOptions options_;
  HistoryFile file_;
  std::string shown_prompt_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
  bool interrupted_ = false;
  // The arrow keys go through these; the library's own history, which Ctrl-R searches, loses what is being typed.
  std::vector<std::string> entries_;  // oldest first
  size_t position_ = 0;               // of the one shown; their number when none is
  std::string draft_;                 // what was typed before the first was shown
};

int CharacterCount(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Texts are UTF-8 whatever the environment says.
void ReadUtf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool LibeditEditor::Begin() {
  ReadUtf8();
  edit_ = el_init("jade", stdin, stdout, stderr);
  history_ = history_init();
  if (edit_ == nullptr || history_ == nullptr) return false;
  shown_prompt_ = options_.colour ? "\1\033[1m\1" + options_.prompt + "\1\033[0m\1" : options_.prompt;
  el_set(edit_, EL_CLIENTDATA, this);
  el_set(edit_, EL_PROMPT_ESC, &Prompt, '\1');
  el_set(edit_, EL_EDITOR, "emacs");
  el_set(edit_, EL_SIGNAL, 1);
  el_set(edit_, EL_GETCFN, &ReadCharacter);
  HistEvent event;
  history(history_, &event, H_SETSIZE, static_cast<int>(HistoryFile::kEntries));
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(edit_, EL_HIST, history, history_);
  BindKeys();
  el_set(edit_, EL_SETTY, "-d", "-isig", nullptr);  // Ctrl-C and Ctrl-Z are keys while one types
  LoadHistory();
  return true;
}

void LibeditEditor::BindKeys() {
  struct Key {
    const char* name;
    const char* help;
    unsigned char (*function)(EditLine*, int);
    std::vector<const char*> keys;
  };
  const Key keys[] = {
      {"jade-enter", "end the input when it is complete", &Enter, {"^J", "^M"}},
      {"jade-new-line", "begin another line", &NewLine, {"\\e^J", "\\e^M"}},
      {"jade-interrupt", "drop the input", &Interrupt, {"^C"}},
      {"jade-suspend", "stop the process", &Suspend, {"^Z"}},
      {"jade-complete", "complete the word", &Complete, {"^I"}},
      {"jade-paste", "insert what is pasted", &Paste, {"\\e[200~"}},
      {"jade-up", "a line up, or the input before", &Up, {"\\e[A", "\\eOA", "^P"}},
      {"jade-line-begin", "to the begin of the line", &ToLineBegin, {"^A", "\\e[H", "\\eOH", "\\e[1~"}},
      {"jade-line-end", "to the end of the line", &ToLineEnd, {"^E", "\\e[F", "\\eOF", "\\e[4~"}},
      {"jade-down", "a line down, or the input after", &Down, {"\\e[B", "\\eOB", "^N"}},
  };
  for (const Key& key : keys) {
    el_set(edit_, EL_ADDFN, key.name, key.help, key.function);
    for (const char* sequence : key.keys) el_set(edit_, EL_BIND, sequence, key.name, nullptr);
  }
  el_set(edit_, EL_BIND, "^X^J", "ed-newline", nullptr);
  el_set(edit_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(edit_, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  el_set(edit_, EL_BIND, "\\e[1;5C", "em-next-word", nullptr);
  el_set(edit_, EL_BIND, "\\e[1;5D", "ed-prev-word", nullptr);
}

// ---- history

void LibeditEditor::LoadHistory() {
  entries_ = file_.Load();
  HistEvent event;
  for (const std::string& entry : entries_) history(history_, &event, H_ENTER, entry.c_str());
}

void LibeditEditor::Remember(const std::string& text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end >= kLongestRemembered) return;  // or nothing but blanks
  std::string entry = text.substr(0, end + 1);
  if (!entries_.empty() && entries_.back() == entry) return;
  HistEvent event;
  history(history_, &event, H_ENTER, entry.c_str());
  file_.Add(entry);
  entries_.push_back(std::move(entry));
  if (entries_.size() > HistoryFile::kEntries) entries_.erase(entries_.begin());
}

// ---- what is on the screen

char* LibeditEditor::Prompt(EditLine* edit) {
  return Of(edit).shown_prompt_.data();
}

LibeditEditor::Line LibeditEditor::Current() const {
  const LineInfo* info = el_line(edit_);
  return {{info->buffer, static_cast<size_t>(info->lastchar - info->buffer)},
          static_cast<size_t>(info->cursor - info->buffer)};
}

void LibeditEditor::PaintText() {
  const Line line = Current();
  if (!options_.colour || !options_.colours || line.text.size() > kLongestPainted) return;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
  const std::string painted =
      Paint(line.text, line.cursor, options_.prompt.size(), {size.ws_col, size.ws_row}, options_.colours(line.text));
  std::fwrite(painted.data(), 1, painted.size(), stdout);
  std::fflush(stdout);
}

int LibeditEditor::ReadCharacter(EditLine* edit, wchar_t* character) {
  LibeditEditor& self = Of(edit);
  std::fflush(stdout);
  self.PaintText();
  std::mbstate_t state{};
  while (true) {
    char byte = 0;
    const ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) {  // the window has another size, or the process went on after a stop
      el_set(edit, EL_REFRESH);
      self.PaintText();
      continue;
    }
    if (count <= 0) return static_cast<int>(count);
    size_t length = std::mbrtowc(character, &byte, 1, &state);
    if (length == static_cast<size_t>(-1)) {  // what came before is not UTF-8, and left out; the byte may begin anew
      state = {};
      length = std::mbrtowc(character, &byte, 1, &state);
      if (length == static_cast<size_t>(-1)) state = {};
    }
    if (length <= 1) return 1;
  }
}

// ---- keys

unsigned char LibeditEditor::Enter(EditLine* edit, int key) {
  const LibeditEditor& self = Of(edit);
  if (!self.options_.is_complete(self.Current().text)) return NewLine(edit, key);
  el_push(edit, kAccept);
  return CC_NORM;
}

unsigned char LibeditEditor::NewLine(EditLine* edit, int /*key*/) {
  return el_insertstr(edit, "\n") == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LibeditEditor::Interrupt(EditLine* edit, int /*key*/) {
  Of(edit).interrupted_ = true;
  el_push(edit, kAccept);
  return CC_NORM;
}

// The library's handler gives the terminal back, and takes it again when the process goes on.
unsigned char LibeditEditor::Suspend(EditLine* /*edit*/, int /*key*/) {
  (void)raise(SIGTSTP);
  return CC_REFRESH;
}

// To a byte of the text.
void LibeditEditor::MoveCursor(size_t target) {
  const Line line = Current();
  const size_t begin = std::min(target, line.cursor);
  const std::string_view passed = line.text.substr(begin, std::max(target, line.cursor) - begin);
  el_cursor(edit_, target < line.cursor ? -CharacterCount(passed) : CharacterCount(passed));
}

unsigned char LibeditEditor::Recall(size_t position) {
  if (position_ == entries_.size()) draft_ = Current().text;
  position_ = position;
  MoveCursor(Current().text.size());
  el_deletestr(edit_, CharacterCount(Current().text));
  el_insertstr(edit_, position == entries_.size() ? draft_.c_str() : entries_[position].c_str());
  return CC_REFRESH;
}

unsigned char LibeditEditor::Up(EditLine* edit, int /*key*/) {
  LibeditEditor& self = Of(edit);
  const Line line = self.Current();
  const std::string_view before = line.text.substr(0, line.cursor);
  const size_t start = before.rfind('\n');
  if (start == std::string_view::npos) {
    return self.position_ == 0 ? CC_REFRESH_BEEP : self.Recall(self.position_ - 1);
  }
  const size_t above = start == 0 ? 0 : before.rfind('\n', start - 1) + 1;  // npos + 1 is 0
  self.MoveCursor(std::min(above + (line.cursor - start - 1), start));
  return CC_CURSOR;
}

unsigned char LibeditEditor::Down(EditLine* edit, int /*key*/) {
  LibeditEditor& self = Of(edit);
  const Line line = self.Current();
  const size_t end = line.text.find('\n', line.cursor);
  if (end == std::string_view::npos) {
    return self.position_ == self.entries_.size() ? CC_REFRESH_BEEP : self.Recall(self.position_ + 1);
  }
  const size_t start = line.text.substr(0, line.cursor).rfind('\n') + 1;
  const size_t below_end = std::min(line.text.find('\n', end + 1), line.text.size());
  self.MoveCursor(std::min(end + 1 + (line.cursor - start), below_end));
  return CC_CURSOR;
}

unsigned char LibeditEditor::ToLineBegin(EditLine* edit, int /*key*/) {
  const Line line = Of(edit).Current();
  Of(edit).MoveCursor(line.text.substr(0, line.cursor).rfind('\n') + 1);
  return CC_CURSOR;
}

unsigned char LibeditEditor::ToLineEnd(EditLine* edit, int /*key*/) {
  const Line line = Of(edit).Current();
  Of(edit).MoveCursor(std::min(line.text.find('\n', line.cursor), line.text.size()));
  return CC_CURSOR;
}

// The terminal says where a paste ends, so that tabs and line breaks in it are no keys.
unsigned char LibeditEditor::Paste(EditLine* edit, int /*key*/) {
  std::string pasted;
  while (!pasted.ends_with(kPasteEnd)) {
    char byte = 0;
    const ssize_t count = read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return CC_EOF;
    pasted += byte;
    if (pasted.size() > kLongestPaste) pasted.erase(0, pasted.size() / 2);
  }
  pasted.resize(pasted.size() - (sizeof(kPasteEnd) - 1));
  std::replace(pasted.begin(), pasted.end(), '\r', '\n');
  std::erase_if(pasted, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7FU || (byte < 0x20U && c != '\n' && c != '\t');
  });
  return el_insertstr(edit, pasted.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LibeditEditor::ShowCandidates(const std::vector<std::string>& candidates) {
  constexpr size_t kShown = 100;
  size_t width = 0;
  for (const std::string& one : candidates) width = std::max(width, one.size() + 2);
  winsize size{};
  const size_t columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? std::max<size_t>(size.ws_col, 1) : 80;
  const size_t in_row = std::max<size_t>(1, columns / width);
  std::string text = "\n";
  for (size_t i = 0; i < std::min(candidates.size(), kShown); ++i) {
    const bool last = i % in_row == in_row - 1;
    text += last ? candidates[i] + "\n" : fmt::format("{:<{}}", candidates[i], width);
  }
  if (!text.ends_with('\n')) text += "\n";
  if (candidates.size() > kShown) text += fmt::format("… and {} more\n", candidates.size() - kShown);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return CC_REDISPLAY;
}

unsigned char LibeditEditor::Complete(EditLine* edit, int /*key*/) {
  LibeditEditor& self = Of(edit);
  const Line line = self.Current();
  const std::string_view before = line.text.substr(0, line.cursor);
  // At the start of a line Tab indents.
  const size_t blank = before.find_last_not_of(" \t");
  if (blank == std::string_view::npos || before[blank] == '\n') {
    return el_insertstr(edit, "  ") == 0 ? CC_REFRESH : CC_ERROR;
  }
  const Completion found = self.options_.complete(line.text, line.cursor);
  if (found.candidates.empty()) return CC_REFRESH_BEEP;
  std::string common = found.candidates.front();
  for (const std::string& other : found.candidates) {
    const auto differs = std::mismatch(common.begin(), common.end(), other.begin(), other.end());
    common.erase(differs.first, common.end());
  }
  const size_t typed = line.cursor - found.begin;
  if (common.size() > typed) return el_insertstr(edit, common.c_str() + typed) == 0 ? CC_REFRESH : CC_ERROR;
  return found.candidates.size() == 1 ? CC_REFRESH : self.ShowCandidates(found.candidates);
}

LineEditor::Outcome LibeditEditor::Read(std::string* text) {
  constexpr std::string_view kPasteOn = "\033[?2004h";
  constexpr std::string_view kPasteOff = "\033[?2004l";
  interrupted_ = false;
  position_ = entries_.size();
  if (options_.colour) std::fwrite(kPasteOn.data(), 1, kPasteOn.size(), stdout);
  el_set(edit_, EL_PREP_TERM, 1);  // before the prompt shows, so that no key comes too early to be one
  int count = 0;
  const char* line = el_gets(edit_, &count);
  if (options_.colour) std::fwrite(kPasteOff.data(), 1, kPasteOff.size(), stdout);
  if (interrupted_) {
    std::fflush(stdout);
    return Outcome::kInterrupted;
  }
  if (line == nullptr || count <= 0) {
    std::fputs("\n", stdout);
    std::fflush(stdout);
    return Outcome::kEnd;
  }
  std::fflush(stdout);
  text->assign(line, static_cast<size_t>(count));
  return Outcome::kText;
}

}  // namespace

std::unique_ptr<LineEditor> LineEditor::Open(EditorOptions options) {
  auto editor = std::make_unique<LibeditEditor>(std::move(options));
  if (!editor->Begin()) return nullptr;
  return editor;
}

}  // namespace jade::line
