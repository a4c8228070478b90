// The grammar of JADE. It is kept LL(2) and free of predicates: what depends on lines is settled on the tokens before
// (compiler/parse/tokens.h), precedence and everything with a message of its own after, while the tree is built.
parser grammar JadeParser;

options { tokenVocab = JadeLexer; }

// ---- Entries
chunk: item* EOF;
planText: letStmt* expr (COMMA expr)* SEMI? EOF;
snippet: letStmt* expr? SEMI? EOF;

// ---- Declarations
item: useDecl | typeDecl | recordDecl | enumDecl | executorDecl | plannerDecl | toolDecl | workflowDecl | paramDecl
    | rewardDecl | testDecl;

useDecl: USE path (AS name)? SEMI?;
path: name (DOT name)*;

typeDecl: TYPE name ASSIGN NEW? type SEMI?;
recordDecl: RECORD name recordBody;
recordBody: LBRACE (field ((COMMA | SEMI)? field)* (COMMA | SEMI)?)? RBRACE;
field: name COLON type;
enumDecl: ENUM name enumBody;
enumBody: LBRACE (enumCase ((COMMA | SEMI)? enumCase)* (COMMA | SEMI)?)? RBRACE;
enumCase: name (LPAREN (payload (COMMA payload)* COMMA?)? RPAREN)?;
payload: (name COLON)? type;

executorDecl: EXECUTOR name params ARROW type roleBody;
plannerDecl: PLANNER name params ARROW type roleBody;
toolDecl: TOOL name params ARROW type toolBody?;
workflowDecl: MAIN? WORKFLOW name params ARROW type block;
rewardDecl: REWARD name params ARROW type block;
paramDecl: PARAM name COLON type (ASSIGN expr)? SEMI?;
testDecl: TEST templateLiteral testBody;

params: (LPAREN | LPAREN_NL) (param (COMMA param)* COMMA?)? RPAREN;
param: name COLON type (FROM INPUT)? (ASSIGN expr)?;

toolBody: LBRACE (setting (COMMA? setting)* COMMA?)? RBRACE;
setting: name (DURATION | expr);

testBody: LBRACE testStep* RBRACE;
testStep: letStmt | REPLY name expr (COMMA expr)* SEMI? | EXPECT expr SEMI?;

// ---- Roles
roleBody: LBRACE clause* RBRACE;
clause
    : (SYSTEM | USER | ASSISTANT | PREFILL) templateLiteral SEMI?  # messageClause
    | EMITS emitAlternative (PIPE emitAlternative)* SEMI?   # emitsClause
    | (CHECK | MALFORMED | INVALID | PENALTY | OVERRUN) expr SEMI?  # valueClause
    | SAMPLE setting (COMMA setting)* SEMI?                 # sampleClause
    | STAGES stageAlternatives SEMI?                        # stagesClause
    | USES NAME (COMMA NAME)* SEMI?                         # usesClause
    | NAME (templateLiteral | INT | FLOAT)? SEMI?                  # unknownClause
    ;
emitAlternative: PLAN | TEXT | tag (PLAN | SUBSET name | type (MAX INT)?);
tag: LESS tagWord (MINUS tagWord)* HASH? GREATER;
tagWord: name | LET | FOLD | EACH | IF | ELSE | MATCH | FOR | IN | END | WITH | WITHIN | REPEAT | UNTIL | AND | OR | NOT
    | TRUE | FALSE | NONE | NEW | RUN;
stageAlternatives: stageSequence (PIPE stageSequence)*;
stageSequence: stageItem+;
stageItem
    : NAME (LPAREN stageAlternatives RPAREN)?
    | (LBRACK | LBRACK_NL) stageAlternatives RBRACK
    ;

// ---- Types
type: typeAtom QUESTION*;
typeAtom: (LBRACK | LBRACK_NL) type RBRACK | typeName (LESS type (COMMA type)* GREATER)?;
typeName: NAME (DOT NAME)*;

// ---- Blocks
block: LBRACE letStmt* expr? SEMI? RBRACE;
letStmt: LET binding ASSIGN expr SEMI?;
binding: name (COLON type)?;

// ---- Expressions: a flat chain of operands and operators; precedence is settled when the tree is built.
expr: chain | within;
chain: operand (binaryOp operand)*;
binaryOp: OR | AND | EQUAL | NOT_EQUAL | LESS | LESS_EQUAL | GREATER | GREATER_EQUAL | ELSE_OP | PLUS | MINUS | STAR
    | SLASH | PERCENT;
operand: prefix* postfix;
prefix: NOT | MINUS | MINUS_NL;
postfix: primary suffix*;
suffix
    : DOT name                # fieldSuffix
    | AT name                 # labelSuffix
    | LPAREN arguments? RPAREN  # callSuffix
    | LBRACK expr RBRACK      # indexSuffix
    ;
arguments: argument (COMMA argument)* COMMA?;
argument: expr (COLON expr)?;  // `name: value`; that the first is a name is checked when the tree is built

primary
    : INT | FLOAT | TRUE | FALSE | NONE | DURATION
    | templateLiteral
    | name
    | (LPAREN | LPAREN_NL) expr RPAREN
    | list
    | ifExpr
    | matchExpr
    | foldExpr
    | eachExpr
    | repeatExpr
    | runExpr
    ;
list: (LBRACK | LBRACK_NL) (expr (comprehension | (COMMA expr)* COMMA?))? RBRACK;
comprehension: FOR name IN expr (IF expr)?;
ifExpr: IF expr block (ELSE IF expr block)* (ELSE block)?;
matchExpr: MATCH expr LBRACE (matchArm (COMMA? matchArm)* COMMA?)? RBRACE;
matchArm: pattern FAT_ARROW (block | expr);
pattern: NONE | path (LPAREN (name (COMMA name)* COMMA?)? RPAREN)?;
foldExpr: FOLD name IN expr WITH binding ASSIGN expr block;
eachExpr: EACH name IN expr block;
repeatExpr: REPEAT UP TO expr WITH binding ASSIGN expr repeatBody;
repeatBody: LBRACE letStmt* expr? SEMI? (UNTIL expr SEMI?)? RBRACE;
runExpr: RUN postfix ON postfix;
within: WITHIN LBRACE (limit (COMMA? limit)* COMMA?)? RBRACE (block | expr) (ELSE (block | expr))?;
limit: name COLON expr;

// ---- Templates
templateLiteral
    : STRING_OPEN part* STRING_CLOSE
    | TRIPLE_OPEN part* TRIPLE_CLOSE
    | RAW_OPEN RAW_TEXT* RAW_CLOSE
    ;
part
    : TEMPLATE_TEXT                                                   # textPart
    | HOLE_OPEN HOLE_FOR name IN expr RBRACE part* HOLE_OPEN HOLE_END RBRACE  # forPart
    | ifArm elseIfArm* elseArm? HOLE_OPEN HOLE_END RBRACE             # ifPart
    | HOLE_OPEN expr? RBRACE                                          # holePart
    ;
ifArm: HOLE_OPEN HOLE_IF expr RBRACE part*;
elseIfArm: HOLE_OPEN HOLE_ELSE IF expr RBRACE part*;
elseArm: HOLE_OPEN HOLE_ELSE RBRACE part*;

name: NAME | USE | EXECUTOR | TOOL | PLANNER | WORKFLOW | MAIN | TYPE | RECORD | ENUM | PARAM | REWARD | TEST | REPLY
    | EXPECT | AS | FROM | INPUT | ON | UP | TO | MAX | PLAN | SUBSET | TEXT;
