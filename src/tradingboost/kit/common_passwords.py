"""Words that common passwords are made of: checked without asking anybody, and kept small on purpose.

A password counts as common when nothing but digits, signs and the usual substitutes is added to one of these.
"""

from typing import Final

_WORDS: Final = """
    password passwort passw passwd passphrase parola contrasena motdepasse secret topsecret secretpassword
    mypassword yourpassword newpassword oldpassword thepassword defaultpassword adminpassword rootpassword
    userpassword admin administrator adminadmin root rootroot toor superuser sysadmin operator guest default
    changeme change changeit changethis letmein letmeinnow opensesame access login loginlogin logmein welcome
    welcomehome welcometo welcomeback hello helloworld helloo iloveyou iloveu iloveme loveyou lovelove foreverlove
    loveforever qwerty qwertyui qwertyuiop qwertz azerty asdf asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc
    qweasd qweasdzxc test tester testtest testing testuser testpassword demo example sample temp temporary dummy
    foobar abc abcd abcde abcdef abcabc xxx xxxxxx football baseball basketball soccer hockey liverpool chelsea
    arsenal barcelona realmadrid juventus superman batman spiderman starwars pokemon dragon monkey tiger eagle
    falcon mustang ferrari porsche mercedes toyota hyundai samsung apple google facebook twitter instagram microsoft
    windows sunshine princess butterfly flower rainbow chocolate cookie cheese pepper summer winter spring autumn
    january february march april june july august september october november december monday friday sunday michael
    michelle jennifer jessica jordan daniel andrew joshua matthew anthony william charlie thomas robert alexander
    nicole ashley amanda computer internet server network database security trustno trustnoone whatever nothing
    freedom liberty master killer hunter ranger shadow matrix phoenix bitcoin bitcoins ethereum crypto
    cryptocurrency satoshi satoshinakamoto hodl tothemoon lambo blockchain binance okx bybit bitget upbit coinbase
    kraken trader trading tradingboost tradingview tradingbot moneymoney money rich millionaire billionaire korea
    seoul southkorea saranghae sarang anneyong annyeong dudwjd
"""

COMMON_WORDS: Final = frozenset(_WORDS.split())
