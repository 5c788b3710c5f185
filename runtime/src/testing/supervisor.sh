# Keeps one server alive for as long as standard input is open.
# $1: the program `postgres`. $2: the folder with everything of this server; `data` lies in it.
#
# The write end of the pipe belongs to the process that wants the server. However that process
# ends, SIGKILL included, the kernel closes it, and the read below returns.
exec 3<&0 </dev/null
"$1" -D "$2/data" >>"$2/server.log" 2>&1 3<&- &
server=$!
(
    while read -r _ <&3; do :; done
    tries=0
    # Told again and again, as a server that is just starting does not listen yet.
    while [ ! -e "$2/exited" ] && kill -QUIT "$server" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || kill -KILL "$server"
        sleep 0.02
    done
    rm -rf "$2"
) &
exec 3<&-
# The mark is written before the process id can be given to another process of this user.
wait "$server"
echo "$?" >"$2/exited"
wait
# Once more, should the mark have come while the folder was being emptied.
rm -rf "$2"
