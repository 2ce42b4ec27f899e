#!/bin/sh
# Makes the root directory of the image: install.sh ROOT [STEP...], by default every step in its order.
# The Dockerfile runs it in its build stage, and deploy/image/try on any machine with a glibc and a Python of its own.
# PYTHON names the interpreter that ends up in ROOT, at the path it has outside.
set -eu
umask 022
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

steps="dependencies project sbom interpreter trim libraries system bytecode"
case ${1:-} in
  "" | -*) echo "usage: $0 ROOT [STEP...], the steps are: $steps" >&2; exit 2 ;;
esac
root=$(realpath -m "$1")
shift
cd "$(dirname "$0")/../.."

inner=/opt/kubevitals     # where the installed prefix is inside of the image
prefix=$root$inner
tools=$root.tools         # what builds, and stays outside
python=$("${PYTHON:-python3}" -c 'import os, sys; print(os.path.realpath(sys._base_executable))')
stdlib=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')

# Wheels alone, and only those whose hashes are pinned: nothing is compiled, no code of a package runs.
pinned() { "$tools/bin/python" -m pip "$@" --no-deps --require-hashes --only-binary :all: -qq; }

# The pinned packages in a prefix of their own, which has no pip.
dependencies() {
  "$python" -m venv "$tools"
  pinned install -r requirements/image.txt
  "$python" -m venv --without-pip "$prefix"
  pinned --python "$prefix/bin/python" install --no-compile -r requirements/run.txt
}

# This checkout, as a wheel. By name and not by file, so that no address of the wheel is kept.
project() {
  rm -rf "$tools/wheel"
  "$tools/bin/python" -m pip wheel -q --no-deps --no-build-isolation -w "$tools/wheel" .
  "$tools/bin/python" -m pip --python "$prefix/bin/python" install -q --no-deps --no-compile --force-reinstall \
    --no-index --find-links "$tools/wheel" kubevitals
  # The prefix is used at another path than the one it was made at.
  sed -i "1c#!$inner/bin/python" "$prefix/bin/kubevitals"
  sed -i '/^\(executable\|command\) *=/d' "$prefix/pyvenv.cfg"
  # Manifests for metrics-server that give a command call this.
  ln -sfn "$inner/bin/kubevitals" "$root/metrics-server"
}

# What is installed, in CycloneDX; without times and serial numbers, so that equal contents are equal bytes.
sbom() {
  "$tools/bin/cyclonedx-py" environment --output-reproducible --spec-version 1.6 --output-format JSON \
    --mc-type application --pyproject pyproject.toml --output-file "$prefix/sbom.cdx.json" "$prefix/bin/python"
}

# The interpreter and the standard library, without tests, installers, and modules that draw or keep databases.
interpreter() {
  mkdir -p "$root$(dirname "$python")" "$root$stdlib"
  cp "$python" "$root$python"
  tar -C "$stdlib" -c --exclude=__pycache__ --exclude='*.a' --exclude='./config-*' \
    --exclude=./site-packages --exclude=./dist-packages --exclude=./ensurepip --exclude=./venv \
    --exclude=test --exclude=tests --exclude=./idlelib --exclude=./pydoc_data \
    --exclude=./tkinter --exclude=./turtledemo --exclude=./lib2to3 --exclude=./sqlite3 --exclude=./curses \
    --exclude='./lib-dynload/_t*' --exclude='./lib-dynload/xx*' --exclude='./lib-dynload/*test*' \
    --exclude='./lib-dynload/_sqlite3*' --exclude='./lib-dynload/*dbm*' --exclude='./lib-dynload/_curses*' \
    --exclude='./lib-dynload/readline*' --exclude='./lib-dynload/_crypt*' --exclude='./lib-dynload/nis*' \
    . | tar -C "$root$stdlib" -x
}

# Of the packages what only builds or tests read, every command but ours, and the lexers,
# with which rich colours code that nothing here shows.
trim() {
  find "$prefix" -depth -type d \( -name tests -o -name __pycache__ \) -exec rm -rf {} +
  find "$prefix" -type f \( -name '*.[ch]' -o -name '*.py[xi]' -o -name '*.px[di]' \) -delete
  find "$prefix/bin" ! -type d ! -name 'python*' ! -name kubevitals -delete
  find "$prefix"/lib/python*/site-packages/pygments/lexers ! -type d ! -name '_*' -delete
  rm -rf "$prefix/include" "$prefix/share" "$prefix/.gitignore"
}

# The shared libraries of the interpreter and of the extension modules. A scanner learns from dpkg's records, which
# are kept where it looks in images without dpkg, which packages of the base they came from. Names for a debugger are
# removed, where the machine has what removes them.
libraries() {
  { echo "$python"; find "$root" -name '*.so' -o -name '*.so.*'; } | xargs -n 1 ldd > "$tools/ldd" 2>/dev/null || true
  if grep 'not found' "$tools/ldd" >&2; then
    echo "install.sh: an extension module needs a library that this machine lacks; see the lines above." >&2
    exit 1
  fi
  awk '$2 == "=>" {print $3} $1 ~ "^/" && $2 != "=>" {sub(":$", "", $1); print $1}' "$tools/ldd" \
    | grep -vF "$root/" | grep '\.so' | sort -u > "$tools/libraries"
  while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
    came_from "$library"
  done < "$tools/libraries"
  if command -v strip > /dev/null; then
    find "$root" -type f \( -name '*.so' -o -name '*.so.*' \) -exec strip --strip-debug {} +
  fi
  mkdir -p "$root/etc"
  xargs -n 1 dirname < "$tools/libraries" | sort -u > "$root/etc/ld.so.conf"
  ldconfig -X -r "$root"
  rm -rf "$root/var/cache/ldconfig"
}

# came_from FILE: keeps dpkg's record and the licence of the package that FILE belongs to, if there is one.
came_from() {
  package=$(dpkg -S "*${1#/usr}" 2>/dev/null | head -n 1 | cut -d : -f 1) || true
  if [ -n "$package" ]; then
    mkdir -p "$root/var/lib/dpkg/status.d"
    dpkg-query -s "$package" > "$root/var/lib/dpkg/status.d/$package"
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright" || true
  fi
}

# What programs expect of a system: who they are, how names are found, whom TLS trusts, where temporary files go.
system() {
  mkdir -p "$root/etc/ssl/certs" "$root/proc" "$root/sys" "$root/dev" "$root/run"
  mkdir -p -m 1777 "$root/tmp"
  printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'kubevitals:x:1000:1000:kubevitals:/tmp:/sbin/nologin' > "$root/etc/passwd"
  printf '%s\n' 'root:x:0:' 'kubevitals:x:1000:' > "$root/etc/group"
  printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' > "$root/etc/nsswitch.conf"
  cp -L /etc/os-release "$root/etc/os-release"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  came_from /usr/sbin/update-ca-certificates
}

# Byte code for everything, as the root file system is read-only later; it is never compared with its source again.
bytecode() {
  "$python" -m compileall -q -f --invalidation-mode unchecked-hash -s "$root" -p / "$root$stdlib" "$prefix/lib"
}

for step in ${*:-$steps}; do
  case " $steps " in
    *" $step "*) "$step" ;;
    *) echo "install.sh: there is no step $step; the steps are: $steps" >&2; exit 2 ;;
  esac
done
