#pragma once
// What names are made of: sound inventories of several made-up languages, given names, title words, endings.

#include <array>
#include <string_view>

namespace jade::data {

// One made-up language: a stem is onset + vowel (+ coda) repeated.
struct Sounds {
  std::array<std::string_view, 16> onsets;
  std::array<std::string_view, 8> vowels;
  std::array<std::string_view, 8> codas;  // empty ones are drawn as they stand
};

inline constexpr std::array<Sounds, 8> kSounds = {{
    {{"b", "d", "f", "l", "m", "n", "p", "r", "s", "t", "v", "c", "g", "tr", "pr", "fl"},
     {"a", "e", "i", "o", "u", "a", "o", "ia"},
     {"", "n", "r", "l", "s", "", "", "x"}},
    {{"k", "v", "z", "s", "m", "dr", "br", "st", "zl", "b", "n", "r", "t", "p", "gr", "vl"},
     {"a", "o", "e", "i", "u", "o", "a", "y"},
     {"", "v", "k", "n", "sk", "r", "", "č"}},
    {{"h", "kh", "m", "n", "s", "r", "d", "j", "f", "b", "q", "t", "z", "l", "sh", "y"},
     {"a", "i", "u", "aa", "e", "a", "ou", "i"},
     {"", "d", "r", "m", "b", "l", "n", "h"}},
    {{"k", "s", "t", "n", "h", "m", "y", "r", "w", "g", "sh", "ch", "ts", "z", "k", "m"},
     {"a", "i", "u", "e", "o", "ai", "o", "a"},
     {"", "", "", "n", "", "", "", ""}},
    {{"m", "nd", "k", "b", "ng", "l", "z", "t", "w", "s", "ny", "mb", "d", "g", "kw", "ch"},
     {"a", "e", "i", "o", "u", "a", "o", "e"},
     {"", "", "", "", "n", "", "", "m"}},
    {{"h", "w", "th", "b", "gr", "l", "m", "st", "br", "f", "sk", "k", "d", "r", "n", "sw"},
     {"a", "e", "i", "o", "u", "ei", "ö", "æ"},
     {"ld", "n", "rn", "lf", "", "st", "ck", "ng"}},
    {{"l", "m", "k", "p", "t", "v", "n", "h", "f", "s", "r", "w", "l", "m", "t", "k"},
     {"a", "e", "i", "o", "u", "au", "ea", "oa"},
     {"", "", "", "", "", "", "", ""}},
    {{"c", "j", "qu", "ll", "m", "n", "r", "s", "t", "v", "p", "gu", "b", "d", "l", "ch"},
     {"a", "e", "i", "o", "u", "á", "é", "ue"},
     {"", "n", "s", "r", "z", "", "l", "d"}},
}};

inline constexpr std::array<std::string_view, 14> kCountryEndings = {
    "ia", "land", "stan", "ova", "aria", "esh", "", "o", "mark", "istan", "eria", "oa", "y", "am"};
inline constexpr std::array<std::string_view, 16> kCityEndings = {
    "burg", "ville", "ton", "abad", "grad", "mouth", "", "", "", "haven", "ia", "polis", "o", "pur", "by", "ford"};
inline constexpr std::array<std::string_view, 12> kCountryPrefixes = {
    "New", "North", "South", "East", "West", "Upper", "Lower", "Great", "Saint", "Northern", "Central", "Equatorial"};
inline constexpr std::array<std::string_view, 12> kCityPrefixes = {"Port", "New", "Saint", "San", "El",   "Fort",
                                                                   "Old",  "Bad", "La",    "Al",  "Lake", "Santa"};
inline constexpr std::array<std::string_view, 12> kUnits = {"franc", "dollar", "pound",    "krone",  "dinar", "rupee",
                                                            "peso",  "mark",   "shilling", "dirham", "crown", "lira"};
inline constexpr std::array<std::string_view, 7> kContinents = {"Africa",        "Asia",    "Europe", "North America",
                                                                "South America", "Oceania", "Asia"};
inline constexpr std::array<std::string_view, 24> kLanguages = {
    "English", "French", "Spanish",  "Arabic", "Portuguese", "German",   "Italian", "Dutch",
    "Greek",   "Polish", "Romanian", "Korean", "Japanese",   "Swedish",  "Turkish", "Persian",
    "Swahili", "Malay",  "Danish",   "Thai",   "Hungarian",  "Albanian", "Somali",  "Khmer"};
inline constexpr std::array<std::string_view, 10> kFamilies = {"alkali metal",     "alkaline earth metal",
                                                               "transition metal", "post-transition metal",
                                                               "metalloid",        "halogen",
                                                               "noble gas",        "lanthanide",
                                                               "actinide",         "nonmetal"};
inline constexpr std::array<std::string_view, 10> kElementEndings = {"ium", "ium", "ium", "ine", "on",
                                                                     "um",  "ium", "gen", "en",  "ide"};

inline constexpr std::array<std::string_view, 160> kGivenNames = {
    "Anna",    "Maria",    "John",      "James",        "William",  "Charles",  "George",    "Thomas",  "Henry",
    "Edward",  "Jane",     "Emily",     "Charlotte",    "Mary",     "Margaret", "Virginia",  "Harper",  "Ernest",
    "Franz",   "Heinrich", "Johann",    "Karl",         "Hermann",  "Thomas",   "Günter",    "Hans",    "Otto",
    "Victor",  "Albert",   "Jules",     "Marcel",       "Gustave",  "Émile",    "Honoré",    "Simone",  "Marie",
    "Pierre",  "Antoine",  "Louis",     "Claude",       "Ivan",     "Leo",      "Fyodor",    "Anton",   "Boris",
    "Mikhail", "Nikolai",  "Alexander", "Vladimir",     "Olga",     "Umberto",  "Italo",     "Dante",   "Carlo",
    "Primo",   "Elena",    "Giovanni",  "Luigi",        "Miguel",   "Gabriel",  "Jorge",     "Isabel",  "Pablo",
    "Julio",   "Carlos",   "Mario",     "Roberto",      "Federico", "José",     "Juan",      "Paulo",   "Clarice",
    "Machado", "Fernando", "João",      "Jorge",        "Haruki",   "Yukio",    "Kenzaburō", "Natsume", "Banana",
    "Yoko",    "Akira",    "Orhan",     "Elif",         "Yaşar",    "Naguib",   "Taha",      "Ahmed",   "Tayeb",
    "Nawal",   "Chinua",   "Wole",      "Ngũgĩ",        "Nadine",   "Doris",    "Alan",      "Buchi",   "Ben",
    "Mariama", "Salman",   "Arundhati", "Rabindranath", "Vikram",   "Amitav",   "Kiran",     "Anita",   "Mo",
    "Lu",      "Gao",      "Eileen",    "Kim",          "Han",      "Park",     "Astrid",    "Selma",   "August",
    "Henrik",  "Knut",     "Sigrid",    "Karen",        "Søren",    "Halldór",  "Tove",      "Milan",   "Jaroslav",
    "Karel",   "Czesław",  "Olga",      "Stanisław",    "Witold",   "Imre",     "Sándor",    "Magda",   "Ivo",
    "Danilo",  "Ismail",   "Nikos",     "Mircea",       "Herta",    "Robert",   "Richard",   "Arthur",  "Frank",
    "Isaac",   "Philip",   "Ursula",    "Ray",          "Agatha",   "Kurt",     "Joseph",    "Harriet", "Mark",
    "Jack",    "Sylvia",   "Toni",      "Alice",        "Carson",   "Ralph",    "Walt"};

inline constexpr std::array<std::string_view, 168> kTitleNouns = {
    "River",   "Garden",  "House",    "Winter",   "Summer",  "Island",  "Mountain", "Road",    "Sea",     "Night",
    "Morning", "Song",    "Shadow",   "Mirror",   "Clock",   "Bridge",  "Letter",   "Window",  "Door",    "Key",
    "Wolf",    "Bird",    "Horse",    "Lion",     "Fox",     "Tree",    "Forest",   "Rose",    "Stone",   "Fire",
    "Water",   "Wind",    "Storm",    "Star",     "Moon",    "Sun",     "Sky",      "Earth",   "Dream",   "Memory",
    "Story",   "Book",    "Library",  "Castle",   "Tower",   "Palace",  "City",     "Village", "Street",  "Market",
    "School",  "Train",   "Ship",     "Boat",     "Harbor",  "Desert",  "Valley",   "Hill",    "Lake",    "Field",
    "King",    "Queen",   "Prince",   "Princess", "Knight",  "Soldier", "Sailor",   "Doctor",  "Teacher", "Judge",
    "Thief",   "Hunter",  "Painter",  "Singer",   "Dancer",  "Writer",  "Stranger", "Friend",  "Brother", "Sister",
    "Mother",  "Father",  "Daughter", "Son",      "Child",   "Widow",   "Ghost",    "Angel",   "Devil",   "Monster",
    "War",     "Peace",   "Love",     "Death",    "Life",    "Time",    "Hour",     "Year",    "Century", "Day",
    "Silence", "Honor",   "Pride",    "Glory",    "Sorrow",  "Joy",     "Fear",     "Hope",    "Faith",   "Truth",
    "Crime",   "Trial",   "Journey",  "Voyage",   "Return",  "Escape",  "Secret",   "Promise", "Game",    "Dance",
    "Bell",    "Drum",    "Flute",    "Sword",    "Crown",   "Ring",    "Mask",     "Coat",    "Glass",   "Bread",
    "Wine",    "Salt",    "Gold",     "Silver",   "Iron",    "Dust",    "Ash",      "Snow",    "Ice",     "Rain",
    "Cloud",   "Thunder", "Wave",     "Shore",    "Cave",    "Well",    "Path",     "Gate",    "Wall",    "Roof",
    "Room",    "Bed",     "Chair",    "Table",    "Lamp",    "Candle",  "Heart",    "Hand",    "Eye",     "Voice",
    "Name",    "Word",    "Page",     "Map",      "Machine", "Spring",  "Autumn",   "Orchard"};

inline constexpr std::array<std::string_view, 72> kTitleAdjectives = {
    "Silent",   "Broken",   "Golden",   "Hidden",    "Lost",     "Last",     "First",    "Red",       "Black",
    "White",    "Blue",     "Green",    "Dark",      "Bright",   "Cold",     "Burning",  "Empty",     "Old",
    "New",      "Great",    "Little",   "Long",      "Quiet",    "Secret",   "Sleeping", "Wandering", "Distant",
    "Foreign",  "Bitter",   "Sweet",    "Invisible", "Wild",     "Winter",   "Summer",   "Stone",     "Iron",
    "Silver",   "Glass",    "Paper",    "Forgotten", "Endless",  "Narrow",   "Deep",     "High",      "Hollow",
    "Sacred",   "Strange",  "Gentle",   "Brave",     "Blind",    "Second",   "Third",    "Seventh",   "Hundred",
    "Thousand", "Lonely",   "Painted",  "Frozen",    "Sunken",   "Crooked",  "Noble",    "Tender",    "Unquiet",
    "Drowned",  "Restless", "Faithful", "Ancient",   "Northern", "Southern", "Eastern",  "Western",   "Midnight"};

}  // namespace jade::data
