// The words of JADE. Templates are lexed in modes of their own; an interpolation `{` pushes the default mode and every
// `{` and `}` pairs, so braces and quotes nest. Tokens named …_NL are never made here: compiler/parse gives that type
// to a `(`, `[` or `-` that is the first token of its line, where it cannot continue the expression above.
lexer grammar JadeLexer;

channels { COMMENTS }
tokens { LPAREN_NL, LBRACK_NL, MINUS_NL, HOLE_FOR, HOLE_IF, HOLE_ELSE, HOLE_END }

// Reserved words.
LET: 'let';
FOLD: 'fold';
EACH: 'each';
IF: 'if';
ELSE: 'else';
MATCH: 'match';
FOR: 'for';
IN: 'in';
END: 'end';
WITH: 'with';
WITHIN: 'within';
REPEAT: 'repeat';
UNTIL: 'until';
AND: 'and';
OR: 'or';
NOT: 'not';
TRUE: 'true';
FALSE: 'false';
NONE: 'none';
NEW: 'new';

// Soft words: names wherever their own place is not. The words of clauses (system … overrun) become names in
// compiler/parse everywhere but at the start of a clause.
USE: 'use';
EXECUTOR: 'executor';
TOOL: 'tool';
PLANNER: 'planner';
WORKFLOW: 'workflow';
MAIN: 'main';
TYPE: 'type';
RECORD: 'record';
ENUM: 'enum';
PARAM: 'param';
REWARD: 'reward';
TEST: 'test';
SYSTEM: 'system';
USER: 'user';
ASSISTANT: 'assistant';
PREFILL: 'prefill';
EMITS: 'emits';
CHECK: 'check';
MALFORMED: 'malformed';
INVALID: 'invalid';
PENALTY: 'penalty';
SAMPLE: 'sample';
STAGES: 'stages';
USES: 'uses';
OVERRUN: 'overrun';
REPLY: 'reply';
EXPECT: 'expect';
AS: 'as';
FROM: 'from';
INPUT: 'input';
ON: 'on';
UP: 'up';
TO: 'to';
MAX: 'max';
PLAN: 'plan';
SUBSET: 'subset';
TEXT: 'text';
RUN: 'run';  // a name again unless an operand follows on its line: see compiler/parse

NAME: [A-Za-z_] [A-Za-z0-9_]*;

INT: DIGITS;
FLOAT: DIGITS '.' DIGITS EXPONENT? | DIGITS EXPONENT;
DURATION: (DIGITS | DIGITS '.' DIGITS) ('ms' | 's' | 'm' | 'h');
BAD_NUMBER: DIGITS ('.' DIGITS)? [A-Za-z_] [A-Za-z0-9_]*;
fragment DIGITS: [0-9] [0-9_]*;
fragment EXPONENT: [eE] [+-]? [0-9]+;

RAW_OPEN: 'r"""' -> pushMode(RAW);
TRIPLE_OPEN: '"""' -> pushMode(TRIPLE);
STRING_OPEN: '"' -> pushMode(STRING);

LBRACE: '{' -> pushMode(DEFAULT_MODE);
RBRACE: '}' -> popMode;
LPAREN: '(';
RPAREN: ')';
LBRACK: '[';
RBRACK: ']';
COMMA: ',';
SEMI: ';';
COLON: ':';
DOT: '.';
AT: '@';
HASH: '#';
PIPE: '|';
ARROW: '->';
FAT_ARROW: '=>';
ASSIGN: '=';
EQUAL: '==';
NOT_EQUAL: '!=';
LESS: '<';
LESS_EQUAL: '<=';
GREATER: '>';
GREATER_EQUAL: '>=';
PLUS: '+';
MINUS: '-';
STAR: '*';
SLASH: '/';
PERCENT: '%';
ELSE_OP: '??';
QUESTION: '?';

COMMENT: '//' ~[\r\n]* -> channel(COMMENTS);
BLANK: [ \t\r\n\uFEFF]+ -> skip;
UNKNOWN: .;

mode STRING;
STRING_CLOSE: '"' -> popMode;
STRING_HOLE: '{' -> type(HOLE_OPEN), pushMode(DEFAULT_MODE);
STRING_TEXT: (~["\\{\r\n] | '\\u{' ~["{}\r\n]* '}' | '\\' ~[\r\n] | '{{')+ -> type(TEMPLATE_TEXT);
STRING_BROKEN: [\r\n\\] -> popMode;

mode TRIPLE;
TRIPLE_CLOSE: '"""' -> popMode;
HOLE_OPEN: '{' -> pushMode(DEFAULT_MODE);
TEMPLATE_TEXT: (~["{] | '{{')+;
TRIPLE_QUOTE: '"' -> type(TEMPLATE_TEXT);

mode RAW;
RAW_CLOSE: '"""' -> popMode;
RAW_TEXT: ~["]+;
RAW_QUOTE: '"' -> type(RAW_TEXT);
