// The tile registers of AMX, eight of up to 16 rows of 64 bytes; included inside the namespace of an instruction set
// that has them. A thread's registers need a TileShape before they are used and are given up after it, so that the
// system need not save them.
//
// Each step D += A·B over 32 numbers sums, for every element, the even and the odd products one after the other, each
// from zero, and adds the sum of the two to D (Intel SDM, TDPBF16PS). Nothing of that depends on how many rows A has:
// one row alone comes out as it does among sixteen.

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileBytes = 64;                // of a row
constexpr int64_t kTileWords = kTileBytes / 4;    // of a row of A, rows of B
constexpr int64_t kTileColumns = kTileBytes / 4;  // of B and D
static_assert(kPanelColumns == 2 * kTileColumns && kPanelWordUnit == kTileWords && kKvTokens == kTileColumns);

// The compiler does not know that these read and write memory, unless told.
template <int kTile>
inline void LoadTile(const void* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(p), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void StoreTile(void* p, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(p), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
inline void ZeroTile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
template <int kTo, int kA, int kB>
inline void MultiplyTiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kTo), "i"(kA), "i"(kB));
}

// What the eight registers hold while it lives: the operand of ldtilecfg.
class TileShape {
 public:
  TileShape() = default;
  ~TileShape() { asm volatile("tilerelease"); }
  TileShape(const TileShape&) = delete;
  TileShape& operator=(const TileShape&) = delete;

  void Set(int tile, int64_t rows, int64_t row_bytes = kTileBytes) {
    // A register of no rows cannot be named; one that is not used may have any.
    operand_.rows[tile] = static_cast<uint8_t>(rows > 0 ? rows : 1);
    operand_.row_bytes[tile] = static_cast<uint16_t>(row_bytes);
  }
  // Zeroes the registers.
  void Load() const { asm volatile("ldtilecfg %0" ::"m"(operand_)); }

 private:
  struct alignas(64) Operand {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
  } operand_;
};
